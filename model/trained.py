"""What a trained model is: everything needed to score, compare and explain, and nothing else."""

from dataclasses import dataclass

from model.calibration import Calibration
from model.evaluation import Evaluation
from model.groups import ProtectedGroups
from model.policy import Policy
from model.reference import Reference
from model.scorecard import Scorecard


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingFacts:
    """Where a model comes from: rows, default rates and periods (ISO dates) of its two parts, `before` between them."""

    train_rows: int
    train_default_rate: float
    train_first_date: str
    train_last_date: str
    before: str
    test_rows: int
    test_default_rate: float
    test_first_date: str
    test_last_date: str
    seed: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """What joblib keeps. The contract itself stays in code; its hash says whether it is still the same."""

    contract_name: str
    contract_hash: str
    scorecard: Scorecard
    policy: Policy
    reference: Reference
    evaluation: Evaluation
    # From the probabilities of the scorecard to those seen on later rows: for estimates, never for decisions.
    calibration: Calibration
    groups: ProtectedGroups
    training: TrainingFacts
