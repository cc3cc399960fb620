"""What every step of a run shares: the settings, the contract, and the ways into the warehouse."""

from dataclasses import dataclass

from schemas.addresses import alert_addresses
from schemas.calendar import BusinessCalendar, calendar_of
from schemas.contract import Contract
from schemas.loading import load_contract
from schemas.settings import Settings, load_settings
from warehouse.reader import Reader
from warehouse.writer import Writer


@dataclass(frozen=True)
class Project:
    """One installation, as its settings describe it."""

    settings: Settings
    contract: Contract

    @property
    def calendar(self) -> BusinessCalendar:
        """On which days a file is expected, and until when."""
        return calendar_of(self.settings)

    @property
    def reader(self) -> Reader:
        """Questions to the warehouse."""
        return Reader(self.settings.path("warehouse"), self.settings.lock_wait_seconds)

    @property
    def writer(self) -> Writer:
        """Publications to the warehouse."""
        return Writer(
            self.settings.path("warehouse"),
            self.contract,
            self.settings.lock_wait_seconds,
            addresses=tuple(alert_addresses(self.settings)),
        )


def load_project() -> Project:
    """The installation the environment describes; raises SettingsError or ContractError if it makes no sense."""
    settings = load_settings()
    return Project(settings, load_contract(settings.contract))
