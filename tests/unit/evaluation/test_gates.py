"""Every gate, each way it can end."""

import json
import math
from typing import Any

import pytest

from trimtab.contracts import Gate
from trimtab.errors import DataError
from trimtab.evaluation.gates import judge, read_report
from trimtab.spec import ChampionRule, EvaluationSpec, MetricRule

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
