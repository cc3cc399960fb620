"""What the Prefect server does by itself: it takes up crashed runs again, and trains a challenger on critical drift."""

from datetime import timedelta
from uuid import UUID

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows import ends
from flows.events import ORIGIN, RISES

# Runs say every 30 seconds that they live (prefect.yaml). A busy server on SQLite may lose one of these, hardly
# four in a row.
SILENT = timedelta(seconds=120)
# Starting a process takes seconds; minutes mean that whoever was to start it is gone.
STUCK = timedelta(minutes=5)
# A worker that is still clearing up after a run would take the next attempt for it and end that as well.
CLEARED = timedelta(seconds=15)
# A run that crashed this often will crash again.
ATTEMPTS = 3
LIVES = "prefect.flow-run.heartbeat"
BEGUN = {"prefect.flow-run.Running", "prefect.flow-run.Retrying", LIVES}
WAITS = {f"prefect.flow-run.{name}" for name in ("Scheduled", "AwaitingRetry", "AwaitingConcurrencySlot", "Late")}
OVER = {f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "Crashed", "Cancelled", *ends.NAMES)}
TRAIN = "Train a challenger on critical drift"


def automations(train: UUID, work_pool: str) -> list[AutomationCore]:
    """The automations of a server; `train` is the deployment that critical drift starts."""
    of_pool = ResourceSpecification({"prefect.resource.role": "work-pool", "prefect.resource.name": work_pool})
    crashed_before = {"prefect.run-count": [str(count) for count in range(ATTEMPTS)]}

    def when_nothing_follows(
        after: set[str], expect: set[str], within: timedelta, labels: dict[str, list[str]] | None = None
    ) -> EventTrigger:
        """Acts on a run of the work pool that goes this long after one event without one of the expected."""
        return EventTrigger(
            posture=Posture.Proactive,
            after=after,
            expect=expect,
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"} | (labels or {})),
            match_related=of_pool,
            for_each={"prefect.resource.id"},
            threshold=1,
            within=within,
        )

    return [
        AutomationCore(
            name="Notice runs that died",
            description="A run that says nothing any more has crashed, with its worker or its machine.",
            trigger=when_nothing_follows({LIVES}, {LIVES, *OVER}, SILENT),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message=f"silent for {SILENT.seconds} seconds")],
        ),
        AutomationCore(
            name="Notice runs that never started",
            description="A run that was handed out and does not begin has lost its worker.",
            trigger=when_nothing_follows(
                {"prefect.flow-run.Pending", "prefect.flow-run.Submitting"}, BEGUN | WAITS | OVER, STUCK
            ),
            actions=[
                ChangeFlowRunState(state=StateType.CRASHED, message=f"not started for {STUCK.seconds // 60} minutes"),
            ],
        ),
        AutomationCore(
            name="Take up crashed runs again",
            description=f"A run that crashed is run again, up to {ATTEMPTS} times in all.",
            trigger=when_nothing_follows({"prefect.flow-run.Crashed"}, BEGUN | WAITS, CLEARED, crashed_before),
            actions=[
                ChangeFlowRunState(
                    state=StateType.SCHEDULED, name="AwaitingRetry", message="it crashed and is run again"
                ),
            ],
        ),
        AutomationCore(
            name=TRAIN,
            description="Drift became critical in a day's batch. The model it makes is never made champion.",
            trigger=EventTrigger(
                posture=Posture.Reactive,
                expect={"scoring.drift.critical"},
                # The drift of days that are backfilled is of the past.
                # Once when it becomes critical, not every day that it lasts.
                match=ResourceSpecification({"prefect.resource.id": "scoring.batch.*", ORIGIN: "daily", RISES: "yes"}),
                threshold=1,
            ),
            actions=[RunDeployment(deployment_id=train, parameters={"challenger_only": True})],
        ),
    ]
