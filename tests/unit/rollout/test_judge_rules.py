"""Rules together: the shares of alpha, dry runs, sources that do not answer, and metrics of one's own."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from trimtab.rollout.judge.checking import rules_of
from trimtab.rollout.judge.evidence import Evidence, FleetEvidence
from trimtab.rollout.judge.judge import judge
from trimtab.rollout.judge.verdict import Check, Judgement
from trimtab.spec.judging import JudgedMetric, JudgeSpec
from trimtab.spec.rollout import RolloutSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REVENUE = {"name": "revenue", "namespace": "Shop", "metric": "Revenue", "dimensions": {"Version": "{version}"}}


def minutes(values: Sequence[float], first: int = 0) -> dict[datetime, float]:
    return {NOON + timedelta(minutes=first + number): value for number, value in enumerate(values)}


def rollout(**judging: Any) -> RolloutSpec:
    return RolloutSpec(judge=JudgeSpec(**{"without": ("latency", "scores"), **judging}))


def metric(**changes: Any) -> JudgedMetric:
    return JudgedMetric(**{**REVENUE, "direction": "lower", "limit": 0.1, **changes})


def judged(
    new: Sequence[float], old: Sequence[float], rule: JudgedMetric, before: Sequence[float] = (), **judging: Any
) -> Check:
    requests = minutes([100.0] * len(new))
    fleets = [FleetEvidence(requests, {}, metrics={"revenue": minutes(values)}) for values in (new, old)]
    earlier = {"revenue": minutes(before, -len(before))}
    spec = rollout(metrics=(rule,), **judging)
    judgement = judge(Evidence(NOON, fleets[0], fleets[1], earlier), spec, NOON + timedelta(hours=1))
    check = judgement.check("revenue")
    assert check is not None
    return check


def failing(**more: Any) -> Evidence:
    new = FleetEvidence(minutes([100.0] * 3), minutes([50.0] * 3))
    return Evidence(NOON, new, FleetEvidence(minutes([100.0] * 3), {}), **more)


def look(evidence: Evidence, spec: RolloutSpec, previous: Judgement | None = None) -> Judgement:
    return judge(evidence, spec, NOON + timedelta(minutes=3), previous)


WAVES = [100.0 + number % 7 for number in range(30)]


def test_revenue_that_falls_beyond_the_limit_fails_and_one_that_falls_less_passes() -> None:
    assert judged([0.8 * value for value in WAVES], WAVES, metric()).outcome == "fail"
    assert judged([0.95 * value for value in WAVES], WAVES, metric()).outcome == "pass"
    assert judged([1.5 * value for value in WAVES], WAVES, metric()).outcome == "pass"


def test_a_two_sided_rule_fails_either_way() -> None:
    both = metric(direction="both")
    assert judged([0.8 * value for value in WAVES], WAVES, both).outcome == "fail"
    assert judged([1.3 * value for value in WAVES], WAVES, both).outcome == "fail"


def test_a_metric_may_be_compared_with_the_hour_before() -> None:
    rule = metric(compare="before", dimensions={})
    assert judged([80.0, 81, 79, 80, 82, 80, 81, 80], [], rule, before=WAVES).outcome == "fail"
    assert judged(WAVES[:8], [], rule, before=WAVES).outcome == "pass"
    assert judged(WAVES[:8], [], rule).outcome == "inconclusive"


def test_a_metric_may_have_a_limit_of_its_own_such_as_of_memory() -> None:
    rule = metric(compare="limit", direction="higher", limit=90.0, dimensions={})
    leaking = [50.0 + 5 * number for number in range(20)]
    check = judged(leaking, [], rule)
    assert check.outcome == "fail"
    assert check.value == pytest.approx(135)
    assert judged([50.0, 60, 70, 80, 85, 88, 89, 89], [], rule).outcome == "pass"


def test_few_minutes_of_a_metric_are_inconclusive() -> None:
    assert judged([10.0] * 4, [100.0] * 4, metric()).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimensions": {}}, "both fleets have the same dimensions"),
        ({"dimensions": {"V": "{verson}"}}, "stands for nothing"),
        ({"compare": "limit", "direction": "both"}, "a limit has one side"),
        ({"limit": 0}, "above 0"),
    ],
)
def test_a_rule_that_could_not_be_judged_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        metric(**changes)


def test_a_metric_cannot_be_called_as_a_rule_of_the_judge() -> None:
    with pytest.raises(ValidationError, match="two rules are called 'latency'"):
        rollout(metrics=(metric(name="latency"),))


def test_the_shares_of_all_rules_that_count_add_up_to_alpha() -> None:
    rules = rules_of(rollout(alpha=0.03, without=(), metrics=(metric(),), dry_run=("scores",)))
    assert sum(rule.alpha for rule in rules if not rule.dry_run) == pytest.approx(0.03)
    assert all(rule.alpha > 0 for rule in rules if rule.name != "agreement")


def test_a_rule_in_dry_run_is_told_and_has_no_consequence() -> None:
    judgement = look(failing(), rollout(dry_run=("errors", "error_limit")))
    assert judgement.outcome == "pass"
    assert "in dry run, errors would fail" in judgement.message


def test_a_rule_that_is_off_is_not_judged() -> None:
    assert look(failing(), rollout(without=("errors", "error_limit", "latency", "scores"))).checks == ()


def test_a_source_that_does_not_answer_is_no_failure_until_the_fifth_look_in_a_row() -> None:
    silent = failing(unread={"metrics": "Throttling"})
    spec, seen = rollout(), list[Judgement]()
    for _ in range(5):
        seen.append(look(silent, spec, Judgement.from_json(seen[-1].to_json()) if seen else None))
    assert [judgement.outcome for judgement in seen] == ["inconclusive"] * 4 + ["fail"]
    assert [judgement.look for judgement in seen] == [1, 2, 3, 4, 5]
    assert "metrics could not be read 5 times in a row: Throttling" in seen[-1].message
    assert seen[-1].message.count("Throttling") == 1, "its rules share one reason"
    assert re.match(r"errors, \w+.*: metrics could not", seen[-1].message)


def test_one_answer_begins_the_count_of_unanswered_looks_anew() -> None:
    silent, spec = failing(unread={"metrics": "Throttling"}), rollout()
    fine = Evidence(NOON, FleetEvidence(minutes([100.0] * 3), {}), FleetEvidence(minutes([100.0] * 3), {}))
    previous: Judgement | None = None
    for evidence in (silent, silent, silent, silent, fine, silent):
        previous = look(evidence, spec, previous)
    assert previous is not None
    assert previous.outcome == "inconclusive"
    assert previous.unread == {"metrics": 1}


def test_a_source_whose_rules_are_not_required_holds_nobody_up_however_long_it_is_silent_and_that_is_told() -> None:
    fine = FleetEvidence(minutes([100.0] * 3), {})
    evidence, judgement = Evidence(NOON, fine, fine, unread={"capture": "AccessDenied"}), None
    for _ in range(9):
        judgement = look(evidence, rollout(without=("latency",)), judgement)
    assert judgement is not None
    assert judgement.outcome == "pass"
    assert "scores, profile, agreement: capture could not be read 9 times in a row: AccessDenied" in judgement.message


@pytest.mark.parametrize(
    ("required", "requests", "outcome"),
    [
        (JudgeSpec().required, 100.0, "inconclusive"),
        (("error_limit",), 100.0, "pass"),
        (("error_limit",), 5.0, "inconclusive"),
    ],
)
def test_beside_an_old_fleet_at_rest_only_the_limit_can_be_judged_and_only_by_enough_requests(
    required: tuple[str, ...], requests: float, outcome: str
) -> None:
    at_rest = FleetEvidence()
    found = look(
        Evidence(NOON, FleetEvidence(minutes([requests] * 3)), at_rest), rollout(without=(), required=required)
    )
    assert found.outcome == outcome


def test_a_judgement_is_the_same_after_it_was_kept() -> None:
    judgement = look(failing(), rollout())
    kept = Judgement.from_json(judgement.to_json())
    assert kept.outcome == judgement.outcome == "fail"
    assert kept.window == judgement.window
    assert [check.rule for check in kept.checks] == [check.rule for check in judgement.checks]
