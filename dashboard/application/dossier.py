"""What the warehouse holds of one application."""

from dataclasses import dataclass
from typing import Any

import polars

from dashboard.desk import Desk
from schemas.contract import Contract

# Columns of `applications` that no contract declares.
KEPT_BESIDE = ("batch_id", "application_id", "application_date", "row_number")
STATUSES = {"published": "in force", "superseded": "superseded", "blocked": "blocked by the gate"}


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """One application: what each batch decided on it, its inputs and its quarantined rows.

    `results` has the one in force first, else the latest; `inputs` are those of the first of them, by column.
    """

    application_id: str
    results: polars.DataFrame
    inputs: dict[str, Any]
    quarantined: polars.DataFrame

    @property
    def known(self) -> bool:
        """Whether the warehouse has met the application at all."""
        return not (self.results.is_empty() and self.quarantined.is_empty())

    @property
    def result(self) -> dict[str, Any] | None:
        """What the batch in force decided, or the latest that did; None if it was never scored."""
        return next(self.results.iter_rows(named=True), None)

    def fields(self, contract: Contract) -> dict[str, Any]:
        """The stored inputs by field: those of the contract, then those that another contract had."""
        declared = [field.name for field in contract.fields if field.name in self.inputs]
        others = [
            name
            for name, value in self.inputs.items()
            if name not in declared and name not in KEPT_BESIDE and value is not None
        ]
        return {name: self.inputs[name] for name in (*declared, *others)}


def dossier_of(desk: Desk, application_id: str) -> Dossier:
    """What is known of an application by its exact id."""
    # These may hold it; which of them do is told by the results.
    found = desk.ask("batches_of_application", application_id=application_id)["batch_id"].to_list()
    results = desk.ask("results_of_application", application_id=application_id, batch_ids=sorted(found))
    return Dossier(
        application_id=application_id,
        results=results.with_columns(status=polars.col("status").replace(STATUSES)),
        inputs=_inputs(desk, application_id, results),
        quarantined=desk.ask("quarantine_of_application", application_id=application_id).with_columns(
            status=polars.col("status").replace(STATUSES)
        ),
    )


def outcome_of(desk: Desk, application_id: str) -> dict[str, Any] | None:
    """How an application ended: defaulted, observed_on, loaded_at; None if no outcome is loaded."""
    rows = desk.ask("outcome_of_application", application_id=application_id)
    return next(rows.iter_rows(named=True), None)


def _inputs(desk: Desk, application_id: str, results: polars.DataFrame) -> dict[str, Any]:
    if results.is_empty():
        return {}
    rows = desk.ask("inputs_of_application", application_id=application_id, batch_id=results["batch_id"][0])
    return next(rows.iter_rows(named=True), {})
