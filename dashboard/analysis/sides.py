"""The distributions that the pictures of a feature compare."""

from dataclasses import dataclass

from dashboard.analysis.analysis import FeatureAnalysis
from model.profile import Profile

# Okabe and Ito, "Color universal design" (2008).
TRAINING, PERIOD, BEFORE = "#0072B2", "#D55E00", "#009E73"


@dataclass(frozen=True, eq=False)
class Side:
    """One of the distributions that are compared."""

    name: str
    profile: Profile
    colour: str


def sides_of(item: FeatureAnalysis) -> list[Side]:
    """What is compared: training, the batches before if there are any, and the period."""
    before = [Side("batches before", item.before, BEFORE)] if item.before else []
    return [Side("training", item.reference.profile, TRAINING), *before, Side("period", item.period, PERIOD)]
