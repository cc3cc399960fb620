"""Score: every accepted row gets its probability of default, score, band, decision and reason codes."""

from collections import deque
from functools import lru_cache, partial
from pathlib import Path

import polars

from model.artifact import LoadedModel, load_version
from model.scorer import Scorer
from model.signature import Trust
from schemas.columns import columns_of
from schemas.contract import Contract
from schemas.errors import ModelError
from schemas.parsing import APPLICATION_ID
from tasks.ingest import Batch
from tasks.parallel import Over, in_order, in_turn
from tasks.project import Project
from tasks.staging import Staging, read_part, write_part


def score_rows(project: Project, batch: Batch, staging: Staging, over: Over = in_turn) -> None:
    """Stages the scores of the accepted rows, part by part, in their order; `over` says where pieces are scored."""
    pieces = staging.pieces("accepted")
    go = over if len(pieces) > 1 else in_turn
    go("score", partial(score_piece, project, batch, staging), pieces)


def score_piece(project: Project, batch: Batch, staging: Staging, piece: int) -> None:
    """Stages the scores of the accepted rows of a piece."""
    scorer = Scorer(load_model(project, batch).model, project.contract)

    def score_part(part: Path) -> None:
        accepted = read_part(part)
        scores = scorer.score(columns_of(project.contract, accepted)).to_frame()
        scored = polars.concat([accepted.select(APPLICATION_ID), scores], how="horizontal")
        write_part(scored, staging.scores_of(part), compression="uncompressed", statistics=False)

    deque(in_order(score_part, staging.parts("accepted", piece)), maxlen=0)


def load_model(project: Project, batch: Batch) -> LoadedModel:
    """The model the batch was opened with; raises ModelError if the file behind it is another one by now."""
    loaded = _load(project.settings.path("models"), batch.model_version, project.contract, project.trust)
    if loaded.sha256 != batch.identity.model_sha256:
        raise ModelError(
            f"the model {batch.model_version} changed while the batch was being scored; run the date again"
        )
    return loaded


@lru_cache(maxsize=2)
def _load(models: Path, version: str, contract: Contract, trust: Trust) -> LoadedModel:
    # A backfill scores hundreds of days with one model: it is verified and unpickled once a process.
    return load_version(models, version, contract, trust)
