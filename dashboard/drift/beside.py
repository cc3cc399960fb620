"""One feature on the page of drift: its distribution on a day or in the period beside that of training."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars
import streamlit as st

from dashboard.analysis.sides import PERIOD, TRAINING, Side
from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.drift.feature import profile_of, quartiles_of, step_for
from dashboard.drift.figures import bars_by_bin, boxes, distributions, histograms, middle_by_day
from dashboard.filters import Period
from model.profile import Profile


@dataclass(frozen=True)
class Looked:
    """What is looked at: a feature in the batches of a model, on a `day` or in the whole period if that is None."""

    feature: str
    model_version: str
    period: Period
    day: date | None

    @property
    def asked(self) -> dict[str, Any]:
        """The values that the questions on a feature are bound to."""
        return {
            "feature": self.feature,
            "model_version": self.model_version,
            "start": self.period.start,
            "end": self.period.end,
        }


def distributions_section(desk: Desk, looked: Looked, verdicts: polars.DataFrame) -> None:
    """Training beside the day or the period, as far as the record and the model allow."""
    days = desk.ask("profiles_of_feature", **looked.asked, step=step_for(verdicts.height))
    whole = {**looked.asked, "start": looked.day, "end": looked.day, "step": 1}
    now = profile_of(days if looked.day is None else desk.ask("profiles_of_feature", **whole))
    if now is None:
        st.info("No distribution is on record for this choice: an earlier release, which kept none, published it.")
        return
    bins = desk.ask("bins_of_feature", **looked.asked).row(0, named=True)
    training = training_of(desk, looked, bins["reference_counts"])
    name = "period" if looked.day is None else desk.formats.day(looked.day)
    sides = [Side("training", training, TRAINING), Side(name, now, PERIOD)]
    before, missing = (desk.formats.share(side.profile.missing / max(1, side.profile.rows)) for side in sides)
    st.caption(
        f"Missing: {before} of the rows in training, {missing} {'in the' if looked.day is None else 'on'} {name}."
    )
    quartiles, axis = quartiles_of(days), desk.labels.axis(looked.feature)
    if len(training.values) and len(now.values):
        _numbers(sides, axis)
    else:
        st.markdown("**Share of all rows by bin**" if quartiles else "**Share of all rows by level**")
        _say_why(desk, looked, now, quartiles)
        draw(bars_by_bin(bins["labels"], sides, axis), "bins", f"Rows of training and {name} by bin of {axis}")
    if quartiles:
        beyond = verdicts.filter(polars.col("exceeded"))["batch_date"].to_list()
        st.markdown("**Median and middle half by day** (lines: training; diamonds: beyond a limit)")
        draw(middle_by_day(quartiles, training, beyond, axis), "middle", f"Quartiles of {axis} by batch date")


def training_of(desk: Desk, looked: Looked, counts: list[int]) -> Profile:
    """The feature in training: with its values if the model is still there, else its rows by bin alone."""
    loaded = desk.model(looked.model_version)
    reference = loaded.model.reference.get(looked.feature) if loaded else None
    if reference is not None:
        return reference.profile
    return Profile(counts=np.array(counts, dtype=np.int64), values=np.array([]))


def _numbers(sides: list[Side], axis: str) -> None:
    left, right = st.columns(2)
    with left:
        st.markdown("**Share of all rows**")
        draw(histograms(sides, axis), "histogram", f"Histograms of {axis}: {sides[0].name} and {sides[1].name}")
    with right:
        st.markdown("**Share of values up to x**")
        draw(distributions(sides, axis), "steps", f"Distribution functions of {axis}")
    st.markdown("**Box plots** (whiskers: 5 % and 95 %)")
    draw(boxes(sides, axis), "boxes", f"Box plots of {axis}: {sides[0].name} and {sides[1].name}")


def _say_why(desk: Desk, looked: Looked, now: Profile, quartiles: Mapping[date, Any]) -> None:
    """Why numbers are shown by bin only."""
    if len(now.values) and desk.model(looked.model_version) is None:
        st.info(
            f"The model {looked.model_version} is not in the models folder any more, or belongs to another contract:"
            " of its training only the rows by bin are on record, so that there are no histograms, distribution"
            " functions and box plots."
        )
    elif quartiles and not len(now.values):
        st.info("No row has a value for this choice; there is nothing to draw but the bins.")
