"""The model in force: loaded and verified once, and another one taken up as soon as it is promoted."""

import asyncio
import logging
from pathlib import Path

import msgspec

from model.artifact import LoadedModel
from model.champion import champion_identity, load_champion
from model.reasons import catalogue
from model.scorer import Scorer
from model.signature import ANYBODY, Trust
from schemas.contract import Contract
from schemas.errors import ModelError
from schemas.storage import hasty

LOG = logging.getLogger("service.champion")
LOOK_SECONDS = 1.0
# How long one look waits for an object store that does not answer: the next one follows soon.
PATIENCE_SECONDS = 2.0
# A refused model is complained about this often, for as long as it is the one that should serve.
COMPLAIN_SECONDS = 60.0


class Reason(msgspec.Struct, frozen=True):
    """A reason code and the sentence that a declined applicant would read."""

    code: str
    sentence: str


class Serving:
    """A verified model, ready to score."""

    def __init__(self, loaded: LoadedModel, contract: Contract) -> None:
        self.version, self.sha256 = loaded.version, loaded.sha256
        self.scorer = Scorer(loaded.model, contract)
        sentences = catalogue(loaded.model.scorecard.features)
        self.reasons = {code: Reason(code, sentence) for code, sentence in sentences.items()}


class Champion:
    """What serves now (`serving`, None before the first model), and why the champion does not (`problem`) if so."""

    def __init__(self, models: Path, contract: Contract, trust: Trust = ANYBODY) -> None:
        self._models, self._contract, self._trust = hasty(models, PATIENCE_SECONDS), contract, trust
        self.serving: Serving | None = None
        self.problem: str | None = None

    def look(self) -> None:
        """Takes up the champion if it is another than the one that serves; one that cannot be verified is refused."""
        try:
            identity = champion_identity(self._models)
            if self.serving is None or identity != (self.serving.version, self.serving.sha256):
                loaded = load_champion(self._models, self._contract, None, self._trust)
                self.serving = Serving(loaded, self._contract)
                LOG.info("serving %s", self.serving.version)
        except (ModelError, OSError) as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the old one goes on and it is looked at again
            self.problem = f"{type(error).__name__}: {error}"
        else:
            self.problem = None

    async def follow(self) -> None:
        """Looks every second, for ever; loading goes on in a thread while requests are answered."""
        complained, last = 0.0, None
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.look)
            if self.problem and (self.problem != last or clock() - complained >= COMPLAIN_SECONDS):
                serving = self.serving.version if self.serving else "nothing"
                LOG.error("the champion is refused, %s goes on serving: %s", serving, self.problem)
                complained = clock()
            last = self.problem
