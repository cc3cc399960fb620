"""What every step of a run shares: the settings, the contract, and the ways into the warehouse."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from msgspec.structs import replace

from model.signature import Trust, trust_of
from schemas.addresses import alert_addresses
from schemas.calendar import BusinessCalendar, calendar_of
from schemas.contract import Contract
from schemas.errors import ContractError
from schemas.loading import load_contract
from schemas.settings import SECRETS, Settings, load_settings
from warehouse.custodian import Custodian
from warehouse.reader import Reader
from warehouse.writer import Writer


@dataclass(frozen=True)
class Project:
    """One installation, as its settings describe it."""

    settings: Settings
    contract: Contract

    def __reduce__(self) -> tuple[Callable[[Settings, str], "Project"], tuple[Settings, str]]:
        # Sent to a worker, it goes as its settings without secrets: a contract may be of a file, with functions in it.
        hidden = dict.fromkeys([*SECRETS, "warehouse"], "")
        return _received, (replace(self.settings, home=str(self.settings.home_path), **hidden), self.contract.hash)

    @property
    def calendar(self) -> BusinessCalendar:
        """On which days a file is expected, and until when."""
        return calendar_of(self.settings)

    @property
    def trust(self) -> Trust:
        """Whose models are loaded; raises SettingsError if a key cannot be read."""
        return trust_of(self.settings)

    @property
    def reader(self) -> Reader:
        """Questions to the warehouse."""
        return Reader(self.settings.warehouse_address, self.settings.lock_wait_seconds)

    @property
    def custodian(self) -> Custodian:
        """Removal of personal data from the warehouse."""
        return Custodian(self.settings.warehouse_address, self.contract, self.settings.lock_wait_seconds)

    @property
    def writer(self) -> Writer:
        """Publications to the warehouse."""
        return Writer(
            self.settings.warehouse_address,
            self.contract,
            self.settings.lock_wait_seconds,
            addresses=tuple(alert_addresses(self.settings)),
        )


@lru_cache(maxsize=2)
def _received(settings: Settings, contract_hash: str) -> Project:
    project = Project(settings, load_contract(settings.contract))
    if project.contract.hash != contract_hash:
        problem = "a worker has another one than the run that sent it; install the same on all hosts"
        raise ContractError(settings.contract, [problem])
    return project


def load_project() -> Project:
    """The installation the environment describes; raises SettingsError or ContractError if it makes no sense."""
    settings = load_settings()
    return Project(settings, load_contract(settings.contract))
