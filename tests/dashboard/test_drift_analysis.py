"""The pure parts of the drift analysis: which days, which figures, which sentences."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars
import pytest
from numpy.typing import NDArray
from scipy import stats

from dashboard.analysis.advice import recommend
from dashboard.analysis.analysis import pool
from dashboard.analysis.charts import heat_map
from dashboard.analysis.extra_tests import DRAWN, draw, extra_tests
from dashboard.analysis.markup import html_table
from dashboard.analysis.movement import Estimated, Movement, onset
from dashboard.analysis.period import BATCHES, choose
from dashboard.analysis.quantiles import bar_edges, quantiles, shares
from dashboard.analysis.tables import MARK, Table
from dashboard.words import counted, listed, size, spells
from model.performance import Measure
from model.profile import Profile, restored
from model.reference import FeatureReference, reference_of
from model.stability import Shift
from schemas.errors import ScoringError

FIRST = date(2026, 6, 1)


def days(count: int, first: int = 0) -> list[date]:
    return [FIRST + timedelta(days=first + number) for number in range(count)]


def published(models: str) -> polars.DataFrame:
    """One day for each letter, which names its model."""
    return polars.DataFrame(
        {"batch_date": days(len(models)), "model_version": list(models)},
        schema={"batch_date": polars.Date, "model_version": polars.String},
    )


def profile(values: Sequence[float] | NDArray[np.float64], missing: int = 0) -> Profile:
    return Profile(counts=np.array([len(values), missing]), values=np.sort(np.asarray(values, dtype=float)))


class TestChoice:
    def test_by_default_the_last_28_batches_are_compared_with_the_28_before(self) -> None:
        choice = choose(published("a" * 60), "", "")
        assert list(choice.dates) == days(28, 32)
        assert list(choice.before) == days(28, 4)
        assert choice.left_out == 0

    def test_an_end_alone_counts_back_and_a_start_alone_runs_to_the_last_batch(self) -> None:
        assert list(choose(published("a" * 60), "", str(days(40)[-1])).dates) == days(28, 12)
        assert list(choose(published("a" * 60), str(FIRST), "").dates) == days(60)

    def test_both_ends_belong_to_the_period(self) -> None:
        choice = choose(published("a" * 9), "2026-06-03", "2026-06-05")
        assert list(choice.dates) == days(3, 2)
        assert list(choice.before) == days(2)

    def test_days_that_other_models_scored_are_left_out_and_counted(self) -> None:
        choice = choose(published("bbabab"), str(days(3)[-1]), "")
        assert choice.model_version == "b"
        assert list(choice.dates) == [days(4)[-1], days(6)[-1]]
        assert list(choice.before) == days(2)
        assert choice.left_out == 2

    def test_one_batch_of_a_new_model_has_nothing_before_it(self) -> None:
        choice = choose(published("aab"), "2026-06-03", "")
        assert (choice.dates, choice.before) == ((date(2026, 6, 3),), ())

    @pytest.mark.parametrize(
        ("models", "start", "end", "says"),
        [
            ("", "", "", "no batch is published yet"),
            ("aa", "2026-07-01", "", "from 2026-07-01; there are 2, from 2026-06-01 to 2026-06-02"),
            ("aa", "", "2026-05-01", "no batch is published up to 2026-05-01"),
            ("aa", "2026-06-02", "2026-06-01", "ends before it starts"),
            ("aa", "yesterday", "", "DRIFT_START='yesterday' is no date"),
            ("aa", "", "2026-02-30", "DRIFT_END='2026-02-30' is no date"),
        ],
    )
    def test_where_there_is_nothing_it_says_why(self, models: str, start: str, end: str, says: str) -> None:
        with pytest.raises(ScoringError, match=says):
            choose(published(models), start, end)

    def test_the_window_is_as_long_as_the_period(self) -> None:
        assert len(choose(published("a" * 100), "", "").before) == BATCHES


class TestPooling:
    def test_days_are_pooled_as_if_their_rows_had_come_at_once(self) -> None:
        rows = [np.random.default_rng(number).normal(size=50).round(1) for number in range(5)]
        pooled = pool([profile(values, missing=2) for values in rows])
        assert pooled is not None
        assert pooled.values.tolist() == sorted(np.concatenate(rows).tolist())
        assert (pooled.rows, pooled.missing) == (260, 10)
        assert pool([]) is None

    def test_quantiles_count_rows_and_not_kept_values(self) -> None:
        # Of the first 1,000 rows two values are kept, of the other 2 both: half of all rows lie at the lower one.
        pooled = pool([restored(np.array([1_000, 0]), np.array([1.0, 2.0])), profile([5.0, 6.0])])
        assert pooled is not None
        assert quantiles(pooled, [0.25, 0.75, 1.0]).tolist() == [1.0, 2.0, 6.0]

    def test_bars_show_shares_of_all_rows(self) -> None:
        now = profile([1, 1, 2, 3], missing=4)
        edges = bar_edges([now])
        assert edges.tolist() == [0.5, 1.5, 2.5, 3.5]
        assert shares(now, edges).tolist() == [0.25, 0.125, 0.125]

    def test_a_sampled_reference_stands_for_all_its_rows(self) -> None:
        sampled = Profile(counts=np.array([80, 20]), values=np.array([1.0, 2.0]))
        assert shares(sampled, bar_edges([sampled])).sum() == pytest.approx(0.8)

    def test_one_value_alone_has_a_bar(self) -> None:
        for value in (0.0, 0.5, 1e12):
            assert shares(profile([value] * 5), bar_edges([profile([value] * 5)])).sum() == pytest.approx(1.0)


class TestExtraTests:
    def test_a_draw_is_of_rows_seeded_and_bounded(self) -> None:
        large = restored(np.array([50_000, 0]), np.linspace(0, 1, 1_001))
        assert len(draw(large)) == DRAWN
        assert draw(large).mean() == pytest.approx(0.5, abs=0.03)
        assert np.array_equal(draw(large), draw(large))
        assert np.sort(draw(profile([3, 1, 2]))).tolist() == [1, 2, 3]

    def test_numbers_have_the_p_values_of_scipy(self) -> None:
        generator = np.random.default_rng(0)
        before, now = generator.normal(0, 1, 300), generator.normal(0.5, 2, 200)
        found = {item.test: item for item in extra_tests(reference_of("x", before), profile(now.tolist()))}
        assert found["Mann-Whitney U"].p_value == pytest.approx(stats.mannwhitneyu(now, before).pvalue)
        assert found["Cramér-von Mises"].p_value == pytest.approx(
            stats.cramervonmises_2samp(before, now, method="asymptotic").pvalue
        )
        assert found["Levene (about the median)"].p_value == pytest.approx(stats.levene(before, now).pvalue)
        assert f"{now.std() / before.std():.2f} times" in found["Levene (about the median)"].says

    def test_levels_are_compared_on_all_rows(self) -> None:
        before = reference_of("x", np.array(["a", "b"] * 50, dtype=object))
        now = before.profile_of_levels({"a": 90, "b": 10})
        (found,) = extra_tests(before, now)
        assert found.test == "G-test"
        assert found.p_value < 0.001

    @pytest.mark.parametrize("values", [[], [1.0] * 5, [7.0] * 100])
    def test_too_few_values_or_only_one_give_no_test(self, values: list[float]) -> None:
        assert extra_tests(reference_of("x", np.full(100, 7.0)), profile(values)) == []

    def test_a_constant_that_becomes_another_has_no_spread(self) -> None:
        found = extra_tests(reference_of("x", np.full(100, 7.0)), profile([8.0] * 100))
        assert [item.test for item in found] == ["Mann-Whitney U", "Cramér-von Mises"]


def psi(value: float) -> Shift:
    return Shift(statistic="psi", value=value, p_value=0.0, floor=0.08)


def movement(feature: str = "income", **facts: Any) -> Movement:
    """A feature that was judged on ten days and is within its limits where nothing else is said."""
    return Movement(
        **{"feature": feature, "label": feature.capitalize(), "days": days(10), "shifts": [psi(0.01)]} | facts
    )


def moved(feature: str = "income", **facts: Any) -> Movement:
    """Beyond its limits on the last four of ten days, all at once."""
    series = list(zip(days(10), [0.01] * 6 + [0.5] * 4, strict=True))
    shift = {"shifts": [psi(0.3)], "beyond": frozenset({"psi"}), "exceeded": days(4, 6), "psi": series}
    return movement(feature, **(shift | facts))


def estimated(high: float) -> Estimated:
    return Estimated(vintage=FIRST, auc=Measure(high - 0.02, high - 0.04, high), test=Measure(0.75, 0.72, 0.78))


def advice(*movements: Movement, estimate: Estimated | None = None) -> list[tuple[str, str]]:
    return [(item.kind, item.sentence) for item in recommend(movements, estimate)]


class TestRecommendations:
    @pytest.mark.parametrize(
        ("item", "kind", "says"),
        [
            (movement(), "none", "Nothing to do: 1 feature and the score stayed within their limits in 10 batches"),
            (movement(certain=True), "leave", "Leave as it is: Income (PSI 0.01)"),
            (moved(), "ask_source", "Income: PSI 0.3 (limit 0.08); beyond its limits in 4 of 10 batches (2026-06-07"),
            (moved(), "ask_source", "it came at once, on 2026-06-07"),
            (moved(medians=(1_000, 2_000), unit="EUR"), "ask_source", "median 1,000 EUR in training, 2,000 EUR from"),
            (moved(shifts=[psi(0.05)]), "ask_source", "PSI up to 0.5 in single batches (limit 0.08)"),
            (moved(psi=[]), "ask_source", "ask the source what changed"),
            (moved(beyond=frozenset({"psi", "missing_share"}), worst_missing=(FIRST, 0.9)), "ask_missing",
             "90.0% of the rows blank on 2026-06-01; ask the source why"),
            (moved(beyond=frozenset({"unseen_share"}), unseen=(FIRST, "'barge' (31 rows)")), "ask_levels",
             "on 2026-06-01 there were 'barge' (31 rows); ask the source what these levels mean"),
            (moved(psi=list(zip(days(10), np.linspace(0, 0.7, 10) ** 2, strict=True)), halves=(0.02, 0.3)), "watch",
             "PSI 0.02 in the first half of the period, 0.3 in the second; it came bit by bit"),
            (moved(like_before=True), "watch", "and before the period already; it is training that has aged"),
            (moved(exceeded=days(4, 2)), "passed", "(2026-06-03 to 2026-06-06), not since"),
            # The day before the last one still counts: it may come back.
            (moved(exceeded=days(3, 6)), "ask_source", "(2026-06-07 to 2026-06-09)"),
            (moved("score"), "watch", "look at the features that moved"),
            (moved(exceeded=[]), "ask_source", "in the period as a whole, in no single batch"),
            (moved(enough=False), "none", "too few rows for a verdict"),
            (moved(days=days(1), exceeded=days(1), psi=[(FIRST, 0.5)]), "ask_source", "in 1 of 1 batch (2026-06-01)"),
        ],
    )  # fmt: skip
    def test_each_case_has_its_sentence(self, item: Movement, kind: str, says: str) -> None:
        assert [found for found in advice(item) if found[0] == kind and says in found[1]]

    def test_without_anything_there_is_still_a_sentence(self) -> None:
        assert [kind for kind, _ in advice()] == ["none"]

    def test_several_features_and_the_score_call_for_a_challenger_first(self) -> None:
        found = advice(moved("score"), moved("age"), moved("income"))
        assert found[0][0] == "challenger"
        assert (
            "Age (PSI up to 0.5), Income (PSI up to 0.5) and Score (PSI up to 0.5) have moved together" in found[0][1]
        )

    def test_a_fall_of_the_estimated_auc_stands_with_it(self) -> None:
        found = advice(moved("score"), moved("age"), moved("income"), estimate=estimated(0.70))
        assert "the estimated AUC of 2026-06 is 0.68 (0.66 to 0.7), 0.75 on the test rows" in found[0][1]

    def test_a_fall_of_the_estimated_auc_alone_waits_for_outcomes(self) -> None:
        assert [kind for kind, _ in advice(movement(), estimate=estimated(0.70))] == ["performance"]

    @pytest.mark.parametrize("high", [0.72, 0.80])
    def test_an_estimate_that_touches_the_test_interval_is_no_fall(self, high: float) -> None:
        assert [kind for kind, _ in advice(movement(), estimate=estimated(high))] == ["none"]

    def test_an_estimate_without_an_interval_is_no_fall(self) -> None:
        unknown = Estimated(vintage=FIRST, auc=Measure(), test=Measure())
        assert [kind for kind, _ in advice(movement(), estimate=unknown)] == ["none"]

    def test_what_is_over_calls_for_no_challenger(self) -> None:
        over = {"exceeded": days(4, 2)}
        kinds = [kind for kind, _ in advice(moved("score", **over), moved("age", **over), moved("income", **over))]
        assert kinds == ["together", "passed", "passed", "passed"]

    def test_features_that_moved_on_one_day_may_have_one_cause(self) -> None:
        found = dict(advice(moved("age"), moved("income"), moved("amount", exceeded=days(2, 8))))
        assert "Age and Income moved on the same day, 2026-06-07" in found["together"]


class TestOnset:
    def test_a_spell_that_began_before_the_period_began_then(self) -> None:
        series = list(zip(days(12), [0.01] * 4 + [0.5] * 8, strict=True))
        item = movement(
            days=days(6, 6), exceeded=days(6, 6), days_before=days(6), exceeded_before=days(2, 4), psi=series,
            beyond=frozenset({"psi"}),
        )  # fmt: skip
        assert item.spells == [(days(5)[-1], days(12)[-1])]
        assert onset(item) == "sudden"

    def test_without_a_day_before_it_nothing_can_be_told(self) -> None:
        assert onset(moved(days=days(4, 6), psi=list(zip(days(4, 6), [0.5] * 4, strict=True)))) == "unknown"

    def test_spells_bridge_a_day_or_two_within_limits(self) -> None:
        dates = days(10)
        chosen = [dates[place] for place in (0, 1, 4, 8)]
        assert spells(chosen, dates, 2) == [(dates[0], dates[4]), (dates[8], dates[8])]
        assert spells([], dates) == []


class TestWords:
    def test_figures_keep_the_digits_that_matter(self) -> None:
        assert [size(value) for value in (None, 0.01234, 1.5, 99.96, 999.9, 12_345.6)] == [
            "-", "0.0123", "1.5", "100", "1,000", "12,346",
        ]  # fmt: skip

    def test_lists_and_counts_read_as_english(self) -> None:
        assert (listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == (
            "",
            "a",
            "a and b",
            "a, b and c",
        )
        assert (counted(1, "batch"), counted(1_200, "batch"), counted(2, "day")) == (
            "1 batch",
            "1,200 batches",
            "2 days",
        )


def test_the_heat_map_marks_days_beyond_a_limit_and_leaves_unjudged_ones_empty() -> None:
    first, second = days(2)
    drift = polars.DataFrame(
        [(first, "x", "psi", 0.5, 0.08), (first, "y", "psi", 0.01, 0.08), (second, "x", "psi", None, 0.08)],
        schema=["batch_date", "feature", "statistic", "value", "threshold"],
        orient="row",
    )
    verdicts = polars.DataFrame(
        [(first, "x", True), (first, "y", False)], schema=["batch_date", "feature", "exceeded"], orient="row"
    )
    (trace,) = heat_map({"x": "X", "y": "Y"}, drift, verdicts).data
    assert (list(trace.y), list(trace.x)) == (["Y", "X"], ["2026-06-01", "2026-06-02"])
    assert [list(row) for row in trace.z] == [[0.01, None], [0.5, None]]
    assert [list(row) for row in trace.text] == [["", ""], ["●", ""]]


def test_a_table_shows_what_it_is_given_as_text() -> None:
    page = html_table(Table(columns=("", "<b>"), rows=[("<i>", f"{MARK}1.5")]))
    assert "&lt;b&gt;" in page
    assert "<i>" not in page
    assert 'font-weight:700">▲ 1.5' in page


def test_a_reference_without_values_is_nothing_to_test() -> None:
    empty: FeatureReference = reference_of("x", np.full(50, np.nan))
    assert extra_tests(empty, profile([1.0] * 50)) == []
