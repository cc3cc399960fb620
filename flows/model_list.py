"""Models and promotions as the commands print them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from rich.table import Table
from rich.text import Text

from flows.console import out
from tasks.models import ListedModel
from tasks.promote import Promotion

COLUMNS = ("version", "role", "trained", "champion since", "AUC")


def print_models(listed: Sequence[ListedModel]) -> None:
    """A table of models (times in UTC, AUC out of time), or a sentence if there are none."""
    if not listed:
        out.print("There are no models; train one with `python -m flows train`.")
        return
    # Without lines and never folded: a version is there to be copied.
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, no_wrap=True)
    for model in listed:
        table.add_row(*(Text(cell) for cell in _cells(model)))
    out.print(table)


def print_models_as_json(listed: Sequence[ListedModel]) -> None:
    """A line of JSON for each model; instants (UTC) in ISO 8601, whatever is not known is null."""
    for model in listed:
        line = json.dumps(asdict(model), default=datetime.isoformat)
        out.print(line, markup=False, soft_wrap=True)


def print_promotion(promotion: Promotion) -> None:
    """What is champion now, in one line."""
    if promotion.version == promotion.before:
        out.print(f"{promotion.version} is champion already; nothing to do")
        return
    place = f", in place of {promotion.before}" if promotion.before else ""
    out.print(f"{promotion.version} is champion now{place}", soft_wrap=True)
    out.print("It scores from the next batch on; what is published stays as it is.", soft_wrap=True)


def _cells(model: ListedModel) -> tuple[str, ...]:
    return (
        model.version,
        model.role,
        f"{model.trained_at:%Y-%m-%d}" if model.trained_at else "",
        f"{model.champion_since:%Y-%m-%d %H:%M}" if model.champion_since else "",
        "" if model.auc is None else f"{model.auc:.4f}",
    )
