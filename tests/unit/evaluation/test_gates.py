"""Every gate, each way it can end."""

import json
import math
from typing import Any

import pytest

from trimtab.contracts import Gate, Judgement
from trimtab.errors import DataError
from trimtab.evaluation.directions import names_of
from trimtab.evaluation.gates import judge, policy_sha256, read_report
from trimtab.spec import ChampionRule, EvaluationSpec, MetricRule, RolloutSpec

RULES = EvaluationSpec(metrics={"auc": MetricRule(min=0.6), "log_loss": MetricRule(max=0.6)})
METRICS = {
    "auc": 0.7,
    "average_precision": 0.5,
    "accuracy": 0.8,
    "log_loss": 0.5,
    "brier": 0.15,
    "f_beta": 0.5,
    "calibration_error": 0.02,
}


def difference(value: float, half: float = 0.01) -> dict[str, dict[str, float]]:
    return {name: {"difference": value, "lo": value - half, "hi": value + half} for name in METRICS}


def part(name: str, auc: float = 0.69, **changes: Any) -> dict[str, Any]:
    """A declared slice that is nearly as good as the whole."""
    made = {"name": name, "declared": True, "n": 400, "metrics": {"auc": auc}, "interval": [auc - 0.03, auc + 0.03]}
    return made | {"champion": None, "difference": None, "p_adjusted": None} | changes


def report(**changes: Any) -> dict[str, Any]:
    """A candidate that passes every gate, without a champion."""
    made: dict[str, Any] = {
        "schema": 2,
        "problem": "binary",
        "n": 2_000,
        "positives": 500,
        "metrics": {"candidate": dict(METRICS), "baseline": dict(METRICS), "champion": None},
        "intervals": {"candidate": {name: [value - 0.02, value + 0.02] for name, value in METRICS.items()}},
        "paired": {"baseline": difference(0.05), "champion": None},
        "champion": {"present": False, "rows": 0, "error": None},
        "slices": [part("site=north")],
        "size_bytes": 1_000_000,
        "latency_ms_p50": 2.0,
        "latency_ms_p99": 5.0,
        "latency_rows": 50,
        "calibration": {"error": {"value": 0.02, "lo": 0.0, "hi": 0.05}},
        "serving": {"parity": {"rows": 2_000, "max_difference": 1e-9, "tolerance": 1e-6}},
    }
    return made | changes


def with_champion(value: float, rows: int = 2_000, error: str | None = None) -> dict[str, Any]:
    paired = {"baseline": difference(0.05), "champion": difference(value)}
    return report(paired=paired, champion={"present": True, "rows": rows, "error": error})


def gate(found: dict[str, Any], name: str, rules: EvaluationSpec = RULES) -> Gate:
    return next(each for each in judge(found, rules, "s3://e").gates if each.name == name)


def test_a_good_candidate_passes_every_gate() -> None:
    judgement = judge(report(), RULES, "s3://e")
    assert judgement.passed
    assert {each.outcome for each in judgement.gates} == {"pass"}
    assert [each.name for each in judgement.gates] == [
        "evidence",
        "finite",
        "auc min",
        "log_loss max",
        "baseline",
        "champion",
        "calibration",
        "parity",
        "latency",
        "size",
    ]


@pytest.mark.parametrize("wrong", [None, math.nan, math.inf, "0.9", True, -0.2, 1.2])
def test_a_metric_that_is_no_number_in_its_range_refuses(wrong: Any) -> None:
    judgement = judge(report(metrics={"candidate": METRICS | {"auc": wrong}}), RULES, "s3://e")
    assert judgement.outcome == "refuse"
    assert gate(report(metrics={"candidate": METRICS | {"auc": wrong}}), "finite").outcome == "refuse"


def test_a_missing_metric_refuses() -> None:
    without = {name: value for name, value in METRICS.items() if name != "auc"}
    found = report(metrics={"candidate": without})
    assert gate(found, "auc min").message == "auc was not measured"
    assert judge(found, RULES, "s3://e").outcome == "refuse"


@pytest.mark.parametrize(("auc", "outcome"), [(0.6, "pass"), (0.5999, "refuse")])
def test_a_lower_limit_is_kept_inclusively(auc: float, outcome: str) -> None:
    found = gate(report(metrics={"candidate": METRICS | {"auc": auc}}), "auc min")
    assert (found.outcome, found.limit, found.value, found.n) == (outcome, 0.6, auc, 2_000)
    assert found.interval is not None


def test_an_upper_limit_is_kept() -> None:
    assert gate(report(metrics={"candidate": METRICS | {"log_loss": 0.61}}), "log_loss max").outcome == "refuse"


@pytest.mark.parametrize(("n", "positives"), [(199, 60), (2_000, 5), (2_000, 1_995), (0, 0)])
def test_too_little_evidence_is_not_judged(n: int, positives: int) -> None:
    judgement = judge(report(n=n, positives=positives), RULES, "s3://e")
    assert judgement.outcome == "not_judged"
    assert not judgement.passed


def test_a_candidate_whose_advantage_over_the_baseline_may_be_chance_is_refused() -> None:
    assert gate(report(paired={"baseline": difference(0.009), "champion": None}), "baseline").outcome == "refuse"


def test_for_a_loss_lower_is_better() -> None:
    rules = RULES.model_copy(update={"primary": "log_loss"})
    assert gate(report(paired={"baseline": difference(-0.05)}), "baseline", rules).outcome == "pass"
    assert gate(report(paired={"baseline": difference(0.05)}), "baseline", rules).outcome == "refuse"


def test_a_better_champion_keeps_its_place() -> None:
    judgement = judge(with_champion(-0.03), RULES, "s3://e")
    assert judgement.outcome == "refuse"
    assert gate(with_champion(-0.03), "champion").message.startswith("auc better than the champion by -0.0300")


def test_a_candidate_that_is_surely_better_replaces_the_champion() -> None:
    assert judge(with_champion(0.03), RULES, "s3://e").passed


@pytest.mark.parametrize(("advantage", "outcome"), [(0.025, "refuse"), (0.035, "pass")])
def test_superior_by_a_margin_is_asked_of_the_lower_end(advantage: float, outcome: str) -> None:
    rules = RULES.model_copy(update={"champion": ChampionRule(rule="superior", margin=0.02)})
    assert gate(with_champion(advantage), "champion", rules).outcome == outcome


@pytest.mark.parametrize(("advantage", "outcome"), [(-0.005, "pass"), (-0.02, "refuse")])
def test_non_inferior_may_fall_short_by_the_margin(advantage: float, outcome: str) -> None:
    rules = RULES.model_copy(update={"champion": ChampionRule(rule="non_inferior", margin=0.02)})
    assert gate(with_champion(advantage), "champion", rules).outcome == outcome


def test_a_champion_that_has_learned_the_rows_is_not_compared() -> None:
    assert gate(with_champion(0.03, rows=50), "champion").outcome == "not_judged"


def test_a_champion_that_cannot_score_is_not_compared() -> None:
    found = gate(with_champion(0.03, error="line 1 has no 'load'"), "champion")
    assert found.outcome == "not_judged"
    assert "has no 'load'" in found.message


def test_an_unmeasured_difference_refuses() -> None:
    assert gate(report(paired={"baseline": {}}), "baseline").outcome == "refuse"


def test_an_oversized_model_is_refused() -> None:
    assert gate(report(size_bytes=251_000_000), "size").outcome == "refuse"
    assert gate(report(size_bytes=None), "size").outcome == "refuse"


@pytest.mark.parametrize("body", [b'{"schema": 1, "n": NaN}', b'{"schema": 1, "n": Infinity}', b"{", b"[]", b"{}"])
def test_a_report_that_is_no_strict_json_is_not_read(body: bytes) -> None:
    with pytest.raises(DataError):
        read_report(body)


def test_a_report_is_read_as_it_was_written() -> None:
    assert read_report(json.dumps(report()).encode()) == report()


SLICED = RULES.model_copy(update={"slices": ("site",)})


def sliced(*parts: dict[str, Any], rules: EvaluationSpec = SLICED) -> Judgement:
    return judge(report(slices=list(parts)), rules, "s3://e")


def test_a_declared_slice_whose_whole_interval_lies_below_the_limit_has_collapsed() -> None:
    judgement = sliced(part("site=north"), part("site=west", auc=0.45))
    found = next(each for each in judgement.gates if each.name == "slices")
    assert (judgement.outcome, found.outcome, found.limit, found.n) == ("refuse", "refuse", 0.25, 400)
    assert found.message.startswith("site=west (400 rows): 36%")


def test_a_thin_slice_that_may_be_well_is_left_alone() -> None:
    noisy = part("site=west", auc=0.45, interval=[0.3, 0.6])
    assert sliced(noisy).passed


def test_a_slice_that_is_surely_worse_than_the_champion_there_refuses() -> None:
    lost = {"value": -0.12, "lo": -0.15, "hi": -0.09}
    assert sliced(part("site=west", champion=0.8, difference=lost)).outcome == "refuse"
    assert sliced(part("site=west", champion=0.8, difference=lost | {"hi": -0.05})).passed


def test_declared_slices_that_were_never_measured_are_not_judged() -> None:
    assert sliced().outcome == "not_judged"
    assert sliced(part("site=west", metrics={"auc": None})).outcome == "not_judged"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"p_adjusted": 0.005, "interval": [0.3, 0.52]}, "pass"),
        ({"p_adjusted": 0.005, "interval": [0.3, 0.49]}, "refuse"),
        ({"p_adjusted": 0.20, "interval": [0.3, 0.49]}, "pass"),
        ({"p_adjusted": 0.005, "champion": 0.8, "difference": {"value": -0.2, "lo": -0.3, "hi": -0.1}}, "refuse"),
        ({"p_adjusted": None, "interval": [0.3, 0.49]}, "pass"),
    ],
)
def test_a_found_slice_needs_a_corrected_p_and_a_proven_loss(changes: dict[str, Any], outcome: str) -> None:
    found = part("age=(0, 7]", auc=0.4, declared=False, **changes)
    assert sliced(part("site=north"), found).outcome == outcome


def test_a_whole_of_exactly_nothing_hides_no_slice() -> None:
    """An R² or an error of 0 is no share of anything: the drop is then taken as it is."""
    rules, whole = SLICED.model_copy(update={"primary": "r2"}), {"candidate": {"r2": 0.0}}
    worse = part("site=west", metrics={"r2": -0.4}, interval=[-0.5, -0.3])
    found = gate(report(slices=[worse], metrics=whole), "slices", rules)
    assert (found.outcome, found.value, found.interval) == ("pass", 0.4, (0.3, 0.5))
    lost = worse | {"champion": 0.0, "difference": {"value": -0.4, "lo": -0.5, "hi": -0.3}}
    assert gate(report(slices=[lost], metrics=whole), "slices", rules).outcome == "refuse"


def test_for_an_error_in_the_label_s_unit_only_the_champion_tells_whether_a_slice_has_collapsed() -> None:
    """Rush hours are harder than nights for every model."""
    rules = SLICED.model_copy(update={"primary": "rmse"})
    hard = part("hour=8", metrics={"rmse": 900.0}, interval=[850.0, 950.0])
    found = report(slices=[hard], metrics={"candidate": {"rmse": 300.0}})
    assert gate(found, "slices", rules).outcome == "pass"
    lost = {"value": 200.0, "lo": 150.0, "hi": 250.0}
    found = report(slices=[hard | {"champion": 700.0, "difference": lost}], metrics={"candidate": {"rmse": 300.0}})
    assert gate(found, "slices", rules).outcome == "refuse"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ({"value": 0.14, "lo": 0.05, "hi": 0.2}, "pass"),
        ({"value": 0.17, "lo": 0.1, "hi": 0.25}, "not_judged"),
        ({"value": 0.3, "lo": 0.16, "hi": 0.4}, "refuse"),
        ({"value": None, "lo": None, "hi": None}, "not_judged"),
    ],
)
def test_calibration_is_refused_on_evidence_only(error: dict[str, Any], outcome: str) -> None:
    assert gate(report(calibration={"error": error}), "calibration").outcome == outcome


def test_slow_single_rows_refuse() -> None:
    assert gate(report(latency_ms_p99=501), "latency").outcome == "refuse"
    assert gate(report(latency_ms_p99=None), "latency").outcome == "refuse"


def test_a_served_model_must_answer_as_the_trained_one_did() -> None:
    def parity(**changes: Any) -> str:
        made = {"rows": 500, "max_difference": 1e-7, "tolerance": 1e-5} | changes
        return gate(report(serving={"parity": made}), "parity").outcome

    assert parity() == "pass"
    assert {parity(max_difference=1e-3), parity(max_difference=None), parity(rows=0)} == {"refuse"}
    assert gate(report(serving={}), "parity").outcome == "refuse"
    assert gate(report(serving=None), "parity").outcome == "refuse"


def test_an_artifact_with_pickles_is_refused_unless_the_policy_takes_them_on() -> None:
    found = report(serving={"own_inference": True, "pickles": ["model.pkl"], "parity": None})
    assert gate(found, "pickles").outcome == "refuse"
    assert "model.pkl" in gate(found, "pickles").message
    accepting = EvaluationSpec.model_validate({"gates": {"pickles": "accept"}})
    assert gate(found, "pickles", accepting).outcome == "pass"


def test_an_inference_py_of_one_s_own_is_judged_by_its_answers_or_by_a_reason() -> None:
    def parity(rules: EvaluationSpec = RULES, **changes: Any) -> Gate:
        made = {"rows": 500, "max_difference": 1e-7, "tolerance": 1e-5} | changes
        return gate(report(serving={"own_inference": True, "parity": made}), "parity", rules)

    reason = "answers are rounded to whole per cents for the screen"
    accepting = EvaluationSpec.model_validate({"gates": {"own_inference": reason}})
    assert parity().outcome == "pass", "it answers as the trained model does"
    for differing in ({"max_difference": 0.1}, {"max_difference": None, "rows": 0}):
        assert parity(**differing).outcome == "not_judged"
        assert (parity(accepting, **differing).outcome, parity(accepting, **differing).accepted_risk) == (
            "pass",
            reason,
        )
    with pytest.raises(ValueError):
        EvaluationSpec.model_validate({"gates": {"own_inference": "because"}})


def test_the_form_for_devices_must_be_shown_to_lose_little() -> None:
    def edge(*ends: float, **changes: Any) -> Gate:
        loss = dict(zip(("lo", "value", "hi"), ends, strict=True))
        found = {"precision": "int8", "rows": 500, "max_loss": 0.01, "loss": loss}
        return gate(report(edge=found | changes), "edge")

    assert edge(-0.001, 0.002, 0.009).outcome == "pass"
    assert edge(0.0, 0.005, 0.02).outcome == "not_judged"
    assert edge(0.02, 0.03, 0.04).outcome == "refuse"
    assert (
        edge(0, 0, 0, loss=None).outcome
        == edge(0, math.nan, 0).outcome
        == edge(0, 0, 0, max_loss="1").outcome
        == "refuse"
    )
    full = report(edge={"precision": "full"})
    assert "edge" not in {each.name for each in judge(full, RULES, "s3://e").gates}


def priced(**cost: Any) -> Gate:
    rules = EvaluationSpec.model_validate({"gates": {"cost": {"max_per_1000_usd": 0.01} | cost}})
    return gate(report(), "cost", rules)


def test_cost_is_that_of_instances_that_never_idle_or_of_the_expected_load() -> None:
    """2 ms a row, ml.m5.large at 0.115 USD an hour: 0.000064 USD; two of them all month for 100,000: 1.679 USD."""
    assert priced().value == pytest.approx(0.115 / 1_800_000 * 1000)
    found = priced(monthly_predictions=100_000)
    assert found.outcome == "refuse"
    assert found.value == pytest.approx(2 * 0.115 * 730 / 100)
    assert priced(monthly_predictions=10**10).value == pytest.approx(8 * 0.115 * 730 / 10**7)


def test_cost_says_whose_price_of_when() -> None:
    assert "list price of 20" in priced().message
    assert "your price" in priced(price_per_hour_usd=0.2).message


def test_an_instance_without_a_known_price_is_not_judged() -> None:
    rules = EvaluationSpec.model_validate({"gates": {"cost": {"max_per_1000_usd": 0.01}}})
    rollout = RolloutSpec(instance_type="ml.u-unknown.large")
    found = [each for each in judge(report(), rules, "s3://e", rollout=rollout).gates if each.name == "cost"]
    assert [each.outcome for each in found] == ["not_judged"]
    assert "price_per_hour_usd" in found[0].message


def test_protected_attributes_that_were_not_measured_are_not_judged() -> None:
    judgement = judge(report(), RULES, "s3://e", ("sex",))
    assert judgement.outcome == "not_judged"
    assert {each.outcome for each in judgement.gates if each.name.startswith("bias sex")} == {"not_judged"}


def test_the_policy_s_digest_changes_with_every_rule_and_with_nothing_else() -> None:
    other = EvaluationSpec.model_validate({"gates": {"bias": {"four_fifths": 0.9}}})
    assert policy_sha256(EvaluationSpec()) == policy_sha256(EvaluationSpec.model_validate({"primary": "auc"}))
    assert len({policy_sha256(rules) for rules in (EvaluationSpec(), other, RULES)}) == 3
    assert judge(report(), RULES, "s3://e").policy_sha256 == policy_sha256(RULES)


@pytest.mark.parametrize("problem", ["multiclass", "regression"])
def test_each_kind_of_problem_has_its_own_metrics_in_their_ranges(problem: str) -> None:
    metrics = {name: 0.5 for name in names_of(problem)}
    counts = {"a": 100, "b": 900} if problem == "multiclass" else None
    found = report(problem=problem, metrics={"candidate": metrics}, class_counts=counts, positives=None)
    assert gate(found, "finite").outcome == "pass"
    assert gate(found, "evidence").outcome == "pass"
    for name in names_of(problem):
        assert gate(found | {"metrics": {"candidate": metrics | {name: "0.5"}}}, "finite").outcome == "refuse"


def test_a_rare_class_is_not_judged() -> None:
    found = report(problem="multiclass", class_counts={"a": 990, "b": 10}, positives=None)
    assert gate(found, "evidence").outcome == "not_judged"


@pytest.mark.parametrize("schema", [1, 3, None, "2"])
def test_a_report_of_another_schema_is_not_read(schema: Any) -> None:
    with pytest.raises(DataError, match="not a report of schema 2"):
        read_report(json.dumps(report(schema=schema)).encode())
