"""The statements that take personal data out of the record, within the caller's transaction. What was summed up stays.

What goes is gathered in temporary tables first: `going` (scored applications), `going_records` (of the quarantine) and
`going_details` (batches whose profiles and messages may show the values of single applicants).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import duckdb

from warehouse.instants import utc_now
from warehouse.queries import sql

Reason = Literal["retention", "erasure"]
BLANK = " \t\r\n\v\f\u00a0"
# How levels never seen are told, and the first line of a file without a header; see `levels_in_words`.
TOLD = r"""('([^'\\]|\\.)*'|"([^"\\]|\\.)*")"""
LEVELS = (TOLD + r" \(([0-9,]+ rows?)\)", r"a level (\4)")
FIRST_LINE = (rf"it reads {TOLD}", "it reads (removed)")
_TEMPORARY = (
    "CREATE OR REPLACE TEMP TABLE going (batch_id VARCHAR, application_id VARCHAR, published BOOLEAN)",
    "CREATE OR REPLACE TEMP TABLE going_records (record BIGINT)",
    "CREATE OR REPLACE TEMP TABLE going_details (batch_id VARCHAR, batch_date DATE)",
)


@dataclass(frozen=True)
class Removed:
    """Rows that were removed from a table, or files from a folder, and the oldest date among them if that is known."""

    store: str
    count: int
    oldest: date | None


@dataclass(frozen=True, kw_only=True)
class Cutoffs:
    """First dates that are kept, by what is kept."""

    applications: date
    declined: date
    quarantine: date
    predictions: date
    reports: date


class Removal:
    """One removal: everything it takes out is put on record with the same reason and instant."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, reason: Reason) -> None:
        self._connection = connection
        self._why: dict[str, Any] = {"reason": reason, "now": utc_now()}
        for statement in _TEMPORARY:
            connection.execute(statement)

    def over_age(self, cutoffs: Cutoffs) -> None:
        """Takes out all that lies before the cutoffs."""
        before = vars(cutoffs)
        self._ask("over_age_applications", _some(before, "applications", "declined"))
        self._connection.execute(
            "INSERT INTO going_records SELECT quarantine.rowid FROM quarantine JOIN batches USING (batch_id)"
            " WHERE batch_date < $quarantine",
            _some(before, "quarantine"),
        )
        self._ask("over_age_details", _some(before, "reports"))
        self._remove()
        self._delete("outcomes", "observed_on < $applications", _some(before, "applications"))
        self._delete("predictions", "predicted_at < $predictions", _some(before, "predictions"), by="segment")

    def application(self, application_id: str, application_key: str | None) -> None:
        """Takes out all of one application; `application_key` is the keyed hash of its id, if there is a key."""
        self._ask("batches_holding_application", {"application_id": application_id})
        self._connection.execute(
            f"INSERT INTO going_records {sql('quarantined_of_application')}",
            quarantine_values(application_id),
        )
        self._ask("details_of_application", {"application_id": application_id})
        self._remove()
        self._delete("outcomes", "application_id = $id", {"id": application_id})
        self._delete("predictions", "application_key = $key", {"key": application_key}, by="segment")

    def removed(self) -> list[Removed]:
        """What was taken out, by table."""
        found = self._connection.execute(sql("removed_at"), _some(self._why, "now")).fetchall()
        return [Removed(str(table), int(count), oldest) for table, count, oldest in found]

    def _remove(self) -> None:
        for table in ("applications", "scores"):
            chosen = "(batch_id, application_id) IN (SELECT batch_id, application_id FROM going)"
            self._delete(table, chosen, {}, by="batch_id")
        self._ask("delete_removed_keys")
        self._ask("record_removed_outcomes", self._why)
        self._ask("delete_removed_outcomes")
        self._ask("record_removed_quarantine", self._why)
        self._connection.execute("DELETE FROM quarantine WHERE rowid IN (SELECT record FROM going_records)")
        self._ask("record_removed_details", self._why)
        self._blur()

    def _blur(self) -> None:
        """Leaves the shape of profiles and the sense of messages, and takes single values out."""
        self._ask("blur_profiles")
        of_batch, of_date = "batch_id IN (SELECT batch_id", "IN (SELECT batch_date"
        for table, condition in {
            "quality": of_batch,
            "drift_verdicts": of_batch,
            "gate_results": of_batch,
            "alerts": f"coalesce(last_batch_date, batch_date) {of_date}",
            "alert_events": f"batch_date {of_date}",
        }.items():
            for pattern, replacement in (LEVELS, FIRST_LINE):
                self._connection.execute(
                    f"UPDATE {table} SET message = regexp_replace(message, $pattern, $replacement, 'g')"  # noqa: S608
                    f" WHERE {condition} FROM going_details) AND regexp_matches(message, $pattern)",
                    {"pattern": pattern, "replacement": replacement},
                )

    def _delete(self, table: str, condition: str, values: Mapping[str, Any], by: str | None = None) -> None:
        """Deletes the rows of a condition, on record by batch or segment, or as one number."""
        source = f" FROM {table} WHERE {condition}"
        columns = f"{by}, " if by else ""
        self._connection.execute(
            f"INSERT INTO removals BY NAME SELECT {columns}'{table}' AS table_name, count(*) AS row_count,"
            f" $reason AS reason, $now AS removed_at{source} GROUP BY ALL HAVING count(*) > 0",
            {**values, **self._why},
        )
        self._connection.execute(f"DELETE{source}", dict(values))

    def _ask(self, query: str, values: Mapping[str, Any] | None = None) -> None:
        self._connection.execute(sql(query), dict(values) if values else None)


def quarantine_values(application_id: str) -> dict[str, str]:
    """What `quarantined_of_application.sql` is asked with; a quote within an id is written with a stroke in JSON."""
    escaped = application_id.replace("\\", "\\\\").replace('"', '\\"')
    return {"application_id": application_id, "application_id_in_json": escaped, "blank": BLANK}


def _some(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names}
