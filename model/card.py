"""The model card: what a model is for, how good it is and where it ends, in Markdown made from its own numbers."""

from collections.abc import Iterable, Sequence

from model.performance import Measure, Performance
from model.reasons import catalogue
from model.trained import Model
from schemas.contract import Contract

PURPOSE = """\
Ranks applications by the probability of default and turns it into points, a band and a decision with reasons. It is
made for applications that keep the contract {name}, and for a person to decide on those it refers. It is not made for
prices, limits, collections, or applicants of another kind than those it was trained on."""

LIMITS = """\
- Trained on applications that were granted and have an outcome; how refused applicants would have repaid is unknown.
- Each feature counts on its own: points are added up, and no combination of features has points of its own.
- A bin with few training rows, as for values hardly ever missing, is treated as average.
- The probability holds for default rates like those of the training period. When drift or falling performance is
  reported, train again before trusting it.
- Intervals tell of the chance in the sample, not of a change in the economy."""


def model_card(model: Model, contract: Contract, data_note: str) -> str:
    """The card of a model in Markdown; `data_note` says where the data comes from, and whether it is generated.

    The same model and note give the same text; it carries no date of its own.
    """
    sections = {
        "Purpose": PURPOSE.format(name=model.contract_name),
        "Data": _data(model, data_note),
        "Performance": _performance(model),
        "Against gradient boosting": _boosting(model),
        "Calibration by band": _calibration(model),
        "Scorecard": _scorecard(model),
        "Policy": _policy(model),
        "Reason codes": _reasons(contract),
        "Protected features": _protected(model, contract),
        "Limits": LIMITS,
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# Model card: scorecard for {model.contract_name}\n\n{body}\n"


def _data(model: Model, data_note: str) -> str:
    facts = model.training
    parts = [
        ("training", facts.train_first_date, facts.train_last_date, facts.train_rows, facts.train_default_rate),
        ("out of time", facts.test_first_date, facts.test_last_date, facts.test_rows, facts.test_default_rate),
    ]
    table = _table(
        ("part", "from", "to", "rows", "default rate"),
        [(name, first, last, f"{rows:,}", f"{rate:.1%}") for name, first, last, rows, rate in parts],
    )
    split = f"Split by time: fitted on applications before {facts.before} alone, tested on the later ones."
    return f"{data_note}\n\n{split}\n\n{table}"


def _performance(model: Model) -> str:
    def row(name: str, figures: Performance) -> tuple[str, ...]:
        return (name, *(_interval(part) for part in (figures.auc, figures.gini, figures.ks, figures.brier)))

    rows = [row("training", model.evaluation.train), row("out of time", model.evaluation.test)]
    intervals = "95 % intervals: DeLong (AUC, Gini), bootstrap (KS), normal (Brier)."
    return f"{_table(('part', 'AUC', 'Gini', 'KS', 'Brier'), rows)}\n\n{intervals}"


def _boosting(model: Model) -> str:
    boosting = model.evaluation.boosting
    rows = [
        ("this scorecard", _interval(model.evaluation.test.auc)),
        ("gradient boosting", _interval(boosting.auc)),
    ]
    settings = ", ".join(f"{name} {value}" for name, value in boosting.settings.items())
    note = f"Same split. Gradient boosting with settings chosen by cross-validation on the training rows: {settings}."
    return f"{_table(('model', 'AUC out of time'), rows)}\n\n{note}"


def _calibration(model: Model) -> str:
    rows = [
        (part.band, f"{part.rows:,}", _share(part.expected), _interval(part.observed, "{:.1%}"))
        for part in model.evaluation.calibration
    ]
    return _table(("band", "rows out of time", "expected default rate", "observed (Wilson)"), rows)


def _scorecard(model: Model) -> str:
    scorecard = model.scorecard
    rows = [
        (row.feature, row.bin, f"{row.rows:,}", _share(row.default_rate), f"{row.weight_of_evidence:+.2f}", row.points)
        for row in scorecard.table()
    ]
    scale = (
        f"A score is the sum of one line's points for each feature. {scorecard.base_score} points stand for "
        f"{scorecard.base_odds:g} repaid to one default, and {scorecard.pdo} points more double that. A feature with "
        "the same points in every line adds nothing beside the others."
    )
    return f"{scale}\n\n{_table(('feature', 'bin', 'rows', 'default rate', 'weight of evidence', 'points'), rows)}"


def _policy(model: Model) -> str:
    policy = model.policy
    cutoffs = (
        f"Approve from {policy.approve_from} points, refer to a person from {policy.refer_from}, decline below. "
        "The last band takes all lower scores as well."
    )
    return f"{cutoffs}\n\n{_table(('band', 'from score'), policy.bands)}"


def _reasons(contract: Contract) -> str:
    note = "At most four for each application, those first that cost most points against the feature's best bin."
    return f"{note}\n\n{_table(('code', 'sentence'), catalogue(contract.features).items())}"


def _protected(model: Model, contract: Contract) -> str:
    names = [feature.name for feature in contract.features if feature.characteristic.protected]
    if not names:
        return "No feature of the scorecard is declared protected."
    note = f"Never given as a reason: {', '.join(names)}. Decisions and outcomes out of time by their groups:"
    rows = [
        (
            group.feature,
            group.group,
            f"{group.rows:,}",
            *(_interval(part, "{:.1%}") for part in (group.approved, group.default_rate)),
        )
        for group in model.evaluation.groups
    ]
    return f"{note}\n\n{_table(('feature', 'group', 'rows', 'approved', 'default rate'), rows)}"


def _interval(measure: Measure, form: str = "{:.3f}") -> str:
    if measure.value is None:
        return "not known"
    if measure.low is None or measure.high is None:
        return form.format(measure.value)
    return f"{form.format(measure.value)} ({form.format(measure.low)} to {form.format(measure.high)})"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(content: object) -> str:
    # A bar or a line break, as the name of a category may have, would end the cell.
    return " ".join(str(content).split()).replace("|", "\\|")
