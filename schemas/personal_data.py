"""Where personal data lies, why, and for how long: the one place for these facts.

How long is lawful, the operator's data-protection officer decides; the settings' defaults are usual figures. Storage is
limited to its purpose (GDPR art. 5(1)(e)). The purposes: steps towards a contract that the applicant asked for (art.
6(1)(b)), and legal obligations of a lender (art. 6(1)(c)), among them proof of credit decisions and records until five
years after the business relationship (Directive (EU) 2015/849, art. 40). Refused applications are usually kept for
about six months (the CNIL's reference on the management of credit).
"""

from collections.abc import Mapping
from dataclasses import dataclass

RETAIN = "SCORING_RETAIN_"
NOT_PERSONAL: Mapping[str, str] = {
    "batches": "counts, means and hashes of a day",
    "drift": "statistics of a feature",
    "score_counts": "rows by score",
    "group_counts": "rows by group",
    "decision_counts": "rows by band and decision",
    "prediction_hours": "requests by hour",
    "performance": "figures of a vintage",
    "fairness": "approval rates of groups",
    "models": "metrics of a model",
    "deliveries": "which message went to which address, by fingerprint",
    "prediction_segments": "names and hashes of files",
    "schema_version": "layouts of the warehouse",
    "removals": "counts of removed rows",
    "file_changes": "hashes of files",
}


@dataclass(frozen=True)
class Store:
    """A place with personal data. `setting` says for how many days; None: no age, but what `ends` says.

    `tables` are those of the warehouse that belong to it.
    """

    name: str
    holds: str
    purpose: str
    setting: str | None
    ends: str
    tables: tuple[str, ...] = ()


STORES = (
    Store(
        "applications",
        "inputs, scores and outcomes of approved and referred applications, in every revision, by application id",
        "contract, and proof of the decision: a loan of up to five years, and five years after it",
        f"{RETAIN}APPLICATIONS_DAYS",
        "by batch date; an outcome goes with its application, one without by the day it was observed",
        ("applications", "scores", "application_keys", "outcomes"),
    ),
    Store(
        "declined applications",
        "inputs, scores and outcomes of declined applications, in the same tables",
        "answers to complaints and requests for reasons, six months",
        f"{RETAIN}DECLINED_DAYS",
        "by batch date",
    ),
    Store(
        "quarantine",
        "raw rows that broke a rule, with the value; of blocked batches as reports/blocked_DATE_HASH.csv",
        "the source can correct them",
        f"{RETAIN}QUARANTINE_DAYS",
        "by batch date",
        ("quarantine",),
    ),
    Store(
        "predictions",
        "inputs and results of the service, with a keyed hash of the application id if one was given; the table, and"
        " the segments of the log (waiting, refused, loaded, put aside as damaged)",
        "proof of an automated answer",
        f"{RETAIN}PREDICTIONS_DAYS",
        "by the instant of the prediction; a segment goes as a whole",
        ("predictions",),
    ),
    Store(
        "reports and details",
        "single values without an id: samples in Evidently pages and executed notebooks, order statistics in profiles,"
        " levels never seen in messages, the first line of a file without a header in its refusal",
        "to see what a drift was",
        f"{RETAIN}REPORTS_DAYS",
        "pages are deleted; profiles keep means of ten neighbours, messages lose the values",
        ("profiles", "quality", "drift_verdicts", "gate_results", "alerts", "alert_events"),
    ),
    Store(
        "landing zone",
        "the files as they came, with every row",
        "a run can be repeated",
        f"{RETAIN}LANDING_DAYS",
        "by the date in the name; never longer than applications, declined ones or the quarantine",
    ),
    Store(
        "history of a lake",
        "what was removed or replaced since, in the earlier snapshots of a warehouse that is a lake",
        "to see what was known on a day",
        f"{RETAIN}HISTORY_DAYS",
        "by the instant of the snapshot, with the flow upkeep; an erasure forgets all of it at once",
    ),
    Store(
        "staging",
        "what a run has worked out and not yet published",
        "the run",
        None,
        "the run removes it; what a killed one left goes with the next run of its date, and with every retention; in a"
        " store, if its host is gone, a day later",
    ),
    Store(
        "copies put aside by a restore",
        "warehouse and models as they were before, beside those that were restored",
        "the restore can be undone",
        None,
        "with retention, SCORING_RETAIN_LANDING_DAYS after the restore; an erasure does not look into"
        " them and names each warehouse: delete it; what a restore brought and could not put in place goes with the"
        " next erasure or retention",
    ),
    Store(
        "models",
        "of each numeric feature up to 20,000 values of training, sorted and without ids: rows cannot be put together",
        "the reference that drift is measured against",
        None,
        "with the model: delete the folders of models that are no longer needed",
    ),
    Store(
        "Prefect's records",
        "up to five broken values of a blocked batch, and levels never seen, in artifacts, events and logs; an id where"
        " the id itself broke a rule",
        "to see what happened to a run",
        None,
        "the server of the compose file deletes what is older than 90 days"
        " (PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED=events,flow_runs); another server has to be told so",
    ),
    Store(
        "output of processes",
        "of a worker the logs of its runs, with the values of Prefect's records; of server, service and dashboard none",
        "to see why a process ended",
        None,
        "by size, not by age: three files of 10 MB of each container; of `make prefect` the files prefect/*.log in"
        " home, of this start and the one before",
    ),
    Store(
        "files given to commands",
        "outcomes, history to train on, what was scored by --source: whatever they hold, wherever they lie",
        "the operator's",
        None,
        "the operator's: retention leaves them; an erasure takes the rows out of CSV and Parquet files below home, and"
        " names other files there that have the id",
    ),
    Store(
        "messages that were sent, backups, files kept elsewhere",
        "whatever they were given",
        "the operator's",
        None,
        "the operator's: a backup holds what was erased later until it is itself deleted",
    ),
)
