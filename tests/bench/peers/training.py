"""Trains the classifier of the usual service on the portfolio that the champion was trained on."""

from pathlib import Path

import joblib
import pandas
from sklearn.ensemble import HistGradientBoostingClassifier

from tests.bench.peers.usual import FEATURES


def train_usual(home: Path) -> Path:
    """The file of a classifier trained on the history in a home, with the library's own parameters."""
    files = sorted((home / "history").glob("applications_*.csv.gz"))
    applications = pandas.concat([pandas.read_csv(file) for file in files])
    known = applications.merge(pandas.read_csv(home / "outcomes.csv"), on="application_id")
    classifier = HistGradientBoostingClassifier(random_state=0)
    classifier.fit(known[FEATURES].astype(float), known["defaulted"])
    path = home / "usual.joblib"
    joblib.dump(classifier, path)
    return path
