from dataclasses import replace

from model.card import model_card
from model.performance import Measure
from model.trained import Model
from tests.model.portfolio import BORROWER


def test_the_card_says_what_a_reader_has_to_know(model: Model) -> None:
    card = model_card(model, BORROWER, "The data is generated.")
    assert card.startswith("# Model card: scorecard for Borrower\n")
    assert "The data is generated." in card
    assert f"{model.evaluation.test.auc.value:.3f}" in card
    assert f"{model.evaluation.boosting.auc.value:.3f}" in card
    assert f"before {model.training.before}" in card
    assert f"| A | {model.policy.bands[0][1]} |" in card
    assert "| INCOME | Your income is low. |" in card
    assert "Never given as a reason: years." in card
    assert "| YEARS |" not in card
    for row in model.scorecard.table():
        assert f"| {row.feature} | {row.bin} | {row.rows:,} |" in card


def test_the_same_model_has_the_same_card(model: Model) -> None:
    assert model_card(model, BORROWER, "note") == model_card(model, BORROWER, "note")


def test_figures_that_are_not_known_are_called_so(model: Model) -> None:
    unknown = replace(model.evaluation.test, auc=Measure(), gini=Measure(0.5))
    card = model_card(replace(model, evaluation=replace(model.evaluation, test=unknown)), BORROWER, "note")
    assert "| out of time | not known | 0.500 |" in card


def test_a_contract_without_protected_features_says_so(model: Model) -> None:
    features = tuple(feature for feature in BORROWER.features if not feature.characteristic.protected)
    contract = replace(BORROWER)
    contract.__dict__["features"] = features
    assert "No feature of the scorecard is declared protected." in model_card(model, contract, "note")


def test_a_bar_in_the_name_of_a_level_does_not_break_the_table(model: Model) -> None:
    group = replace(model.evaluation.groups[0], group="a|b\nc")
    card = model_card(replace(model, evaluation=replace(model.evaluation, groups=(group,))), BORROWER, "note")
    assert "| years | a\\|b c |" in card
