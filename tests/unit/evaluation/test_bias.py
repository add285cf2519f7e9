"""Disparities between groups, against Fairlearn's definitions and by simulation."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from trimtab.contracts import Gate
from trimtab.evaluation.bias import Decisions, decisions, groups_of, measure_bias
from trimtab.evaluation.gates.bias import bias_gates, decide
from trimtab.evaluation.gates.reading import Estimate
from trimtab.spec.gates import BiasRule

RULE = BiasRule()
N = 3_000


def people(seed: int = 0, *, rates: tuple[float, ...] = (0.5, 0.5), n: int = N) -> tuple[Any, Decisions]:
    """Groups a, b, … of equal size whose members are favoured at ``rates``, whatever they deserve."""
    generator = np.random.default_rng(seed)
    group = generator.integers(0, len(rates), n)
    favoured = generator.random(n) < np.asarray(rates)[group]
    return np.array(list("abcdefgh"))[group], Decisions(favoured, generator.random(n) < 0.4)


def measured(column: Any, made: Decisions | str, rule: BiasRule = RULE, **own: Any) -> dict[str, Any]:
    return dict(measure_bias({"sex": own}, rule.model_dump(), {"sex": column}, made)["sex"])


def gates(found: dict[str, Any], rule: BiasRule = RULE) -> dict[str, Gate]:
    return {gate.name.rsplit(" ")[-1]: gate for gate in bias_gates({"bias": {"sex": found}}, rule, ("sex",))}


def test_rates_of_a_group_are_those_of_its_confusion_matrix() -> None:
    column, made = people(rates=(0.5, 0.3))
    for group in measured(column, made)["groups"]:
        rows = column == group["group"]
        (tn, fp), (fn, tp) = confusion_matrix(made.deserving[rows], made.favoured[rows])
        assert group["tpr"]["value"] == pytest.approx(tp / (tp + fn))
        assert group["fpr"]["value"] == pytest.approx(fp / (fp + tn))
        assert group["selection_rate"]["value"] == pytest.approx((tp + fp) / rows.sum())
        assert group["n"] == rows.sum()


def test_a_fair_model_passes_every_measure() -> None:
    assert {gate.outcome for gate in gates(measured(*people())).values()} == {"pass"}


def test_a_proven_breach_of_four_fifths_refuses_and_names_both_groups() -> None:
    gate = gates(measured(*people(rates=(0.5, 0.3))))["four_fifths"]
    assert (gate.outcome, gate.limit) == ("refuse", 0.8)
    assert gate.value == pytest.approx(0.6, abs=0.05) or gate.value == pytest.approx(1 / 0.6, abs=0.2)
    assert gate.interval is not None
    assert "of group b against a" in gate.message or "of group a against b" in gate.message


def test_favouring_the_smaller_group_is_a_breach_too() -> None:
    found = measured(*people(rates=(0.3, 0.5)), reference="a")
    assert gates(found)["four_fifths"].outcome == "refuse"
    assert gates(found)["four_fifths"].value == pytest.approx(0.5 / 0.3, abs=0.2)


def test_a_breach_that_may_be_chance_is_not_judged() -> None:
    column, made = people(rates=(0.50, 0.38), n=500)
    gate = gates(measured(column, made))["four_fifths"]
    assert gate.outcome == "not_judged"
    assert "the rows cannot tell" in gate.message


def test_few_rows_are_never_enough_to_pass() -> None:
    column, made = people(n=240)
    found = gates(measured(column, made, BiasRule(min_group_rows=20)))
    assert "pass" not in {found["four_fifths"].outcome, found["equal_opportunity"].outcome}


def test_a_group_whose_rows_cannot_tell_is_named_and_the_others_are_judged() -> None:
    column, made = people(rates=(0.5, 0.5))
    column = column.astype(object)
    column[:110] = "c"
    made.favoured[:110] = np.arange(110) % 2 == 0
    found = gates(measured(column, made))["four_fifths"]
    assert (found.outcome, found.message.endswith("too few rows to judge: c")) == ("pass", True)
    made.favoured[:110] = np.arange(110) % 5 < 2
    assert gates(measured(column, made))["four_fifths"].outcome == "not_judged"
    made.favoured[:110] = np.arange(110) % 10 < 1
    assert gates(measured(column, made))["four_fifths"].outcome == "refuse"


def test_equal_shares_with_unequal_errors_break_equalised_odds_alone() -> None:
    generator = np.random.default_rng(1)
    column = np.where(generator.random(N) < 0.5, "a", "b")
    deserving = generator.random(N) < 0.5
    found = gates(measured(column, Decisions(np.where(column == "a", deserving, ~deserving), deserving)))
    assert found["four_fifths"].outcome == "pass"
    assert (found["equal_opportunity"].outcome, found["equalised_odds"].outcome) == ("refuse", "refuse")


def test_thin_groups_are_named_and_left_out() -> None:
    column, made = people(rates=(0.5, 0.5))
    column[:30] = "z"
    found = measured(column, made)
    assert found["thin"] == ["z"]
    assert {pair["group"] for pair in found["pairs"]} <= {"a", "b"}
    assert gates(found)["four_fifths"].message.endswith("too few rows to judge: z")


def test_one_group_alone_is_not_judged() -> None:
    made = people()[1]
    found = gates(measured(np.full(N, "a"), made))
    assert {gate.outcome for gate in found.values()} == {"not_judged"}
    assert "fewer than two groups" in found["four_fifths"].message


def test_an_attribute_that_the_report_lacks_is_not_judged() -> None:
    found = list(bias_gates({"bias": {}}, RULE, ("sex",)))
    assert {gate.outcome for gate in found} == {"not_judged"}


def test_missing_values_are_a_group_that_is_shown_and_not_compared() -> None:
    column, made = people()
    column = column.astype(object)
    column[:500] = None
    found = measured(column, made)
    assert found["groups"][-1]["group"] == "missing"
    assert not found["groups"][-1]["judged"]
    assert "missing" not in found["thin"]


def test_ages_are_cut_into_bands() -> None:
    found = groups_of(np.array([10, 25, 64.9, 65, np.nan]), [25, 65])
    assert isinstance(found, dict)
    assert {name: list(np.flatnonzero(rows)) for name, rows in found.items()} == {
        "below 25": [0],
        "25 to below 65": [1, 2],
        "65 and more": [3],
        "missing": [4],
    }


def test_a_number_without_bands_asks_for_them() -> None:
    assert "give bands" in measured(np.arange(N), people()[1])["problem"]


def test_a_reference_group_can_be_named_and_must_occur() -> None:
    column, made = people(rates=(0.5, 0.4, 0.5))
    assert measured(column, made, reference="b")["reference"] == "b"
    assert "does not occur; there are: a, b, c" in measured(column, made, reference="x")["problem"]


def test_a_class_or_a_number_can_be_the_favourable_outcome() -> None:
    labels, decided = np.array(["high", "low", "high"]), np.array(["high", "high", "low"])
    made = decisions("multiclass", {"favourable": "high"}, labels, decided)
    assert isinstance(made, Decisions)
    assert (list(made.favoured), list(made.deserving)) == ([True, True, False], [True, False, True])
    assert isinstance(decisions("multiclass", {"favourable": "none"}, labels, decided), str)
    rule = {"favourable_above": 10.0}
    made = decisions("regression", rule, np.array([5.0, 10.0]), np.array([12.0, 3.0]))
    assert isinstance(made, Decisions)
    assert (list(made.favoured), list(made.deserving)) == ([True, False], [False, True])
    assert isinstance(decisions("regression", {"favourable_above": None}, np.zeros(1), np.zeros(1)), str)


def test_an_accepted_risk_passes_with_its_reason() -> None:
    reason = "the survey codes it by age; reviewed by the board"
    rule = BiasRule.model_validate(
        {"accepted_risks": [{"attribute": "sex", "measure": "four_fifths", "reason": reason}]}
    )
    found = gates(measured(*people(rates=(0.5, 0.3))), rule)
    assert (found["four_fifths"].outcome, found["four_fifths"].accepted_risk) == ("pass", reason)
    assert "found: sex: share of favourable decisions" in found["four_fifths"].message
    assert found["equal_opportunity"].outcome == "refuse"


def test_nobody_can_have_accepted_what_was_not_measured() -> None:
    risk = {"attribute": "sex", "reason": "the survey codes it by age; reviewed by the board"}
    rule = BiasRule.model_validate({"accepted_risks": [risk]})
    column, made = people(rates=(0.5, 0.3))
    few = people(rates=(0.5, 0.3), n=60)
    for unmeasured in (measured(None, made), measured(*few), measured(column, "no row is favourable")):
        for found in gates(unmeasured, rule).values():
            assert (found.outcome, found.accepted_risk) == ("not_judged", "")
            assert "nothing was measured" in found.message


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [
        (Estimate(0.02, -0.03, 0.07), "pass"),
        (Estimate(0.09, 0.05, 0.13), "pass"),
        (Estimate(0.12, 0.08, 0.16), "not_judged"),
        (Estimate(0.02, -0.15, 0.19), "vague"),
        (Estimate(-0.2, -0.28, -0.12), "refuse"),
        (Estimate(float("nan"), -0.02, 0.02), "not_judged"),
    ],
)
def test_the_interval_refuses_the_estimate_passes_and_too_wide_cannot_tell(measured: Estimate, outcome: str) -> None:
    assert decide(measured, 0.1, as_ratio=False)[0] == outcome


def test_fair_data_are_refused_at_most_as_often_as_the_confidence_allows() -> None:
    """Four equal groups of 200, 400 data sets: at parity no attribute may be refused more often than 5 %."""
    outcomes = [
        {gate.outcome for gate in gates(measured(*people(seed, rates=(0.5,) * 4, n=800))).values()}
        for seed in range(400)
    ]
    refused = sum("refuse" in found for found in outcomes) / len(outcomes)
    assert refused <= 0.01


def test_groups_exactly_at_the_limit_are_refused_within_the_stated_rate() -> None:
    """The worst case of 'fair enough': the truth lies on the limit of demographic parity."""
    rule = BiasRule(four_fifths=None, demographic_parity=0.1, equal_opportunity=None, equalised_odds=None)
    rounds = 1_000
    refused = sum(
        gates(measured(*people(seed, rates=(0.5, 0.4), n=2_000), rule), rule)["demographic_parity"].outcome == "refuse"
        for seed in range(rounds)
    )
    assert refused / rounds <= 0.025 + 2 * (0.025 * 0.975 / rounds) ** 0.5
