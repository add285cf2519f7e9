"""Alarms keep their promises in memory and in CloudWatch alike."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.fakes import MemoryAlarms
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.ports import Alarms
from trimtab.rollout.production import arm_alarms
from trimtab.rollout.rollback_alarms import fleet_dimensions, rollback_alarms
from trimtab.spec.rollout import RolloutSpec

CONFIG = "tiny-v2-0123abcd"
ROLLOUT = RolloutSpec()


def cloudwatch() -> CloudWatchAlarms:
    return CloudWatchAlarms(boto3.client("cloudwatch"))


@pytest.fixture(params=[MemoryAlarms, cloudwatch])
def alarms(aws: None, request: pytest.FixtureRequest) -> Alarms:
    make: Callable[[], Alarms] = request.param
    return make()


def drift_alarm(name: str, model: str) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Namespace": "Trimtab",
        "MetricName": "PsiMax",
        "Dimensions": [{"Name": "Model", "Value": model}],
        "Statistic": "Maximum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 0.25,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def test_rollback_alarms_can_be_armed_and_are_found_by_prefix(alarms: Alarms) -> None:
    names = arm_alarms(alarms, CONFIG, fleet_dimensions("tiny", CONFIG), ROLLOUT)
    assert set(alarms.states(names)) == {f"{CONFIG}-errors", f"{CONFIG}-stop"}
    assert sorted(alarms.named("tiny-v")) == sorted(names)
    assert alarms.named("other-v") == []


def test_an_alarm_that_does_not_exist_has_no_state(alarms: Alarms) -> None:
    assert alarms.states(["nobody"]) == {}
    assert alarms.states([]) == {}


def test_the_stop_switch_rings_when_it_is_thrown(alarms: Alarms) -> None:
    for request in rollback_alarms(CONFIG, fleet_dimensions("tiny", CONFIG), ROLLOUT):
        alarms.put(request)
    alarms.ring(f"{CONFIG}-stop", "no longer approved")
    assert alarms.states([f"{CONFIG}-stop"]) == {f"{CONFIG}-stop": "ALARM"}


def test_deleted_alarms_are_gone_and_may_be_deleted_again(alarms: Alarms) -> None:
    names = arm_alarms(alarms, CONFIG, fleet_dimensions("tiny", CONFIG), ROLLOUT)
    for _ in range(2):
        alarms.delete(names)
    assert alarms.states(names) == {}
    alarms.delete([])


def test_alarms_are_found_by_the_metric_and_dimensions_they_watch(alarms: Alarms) -> None:
    alarms.put(drift_alarm("tiny-drift", "tiny"))
    alarms.put(drift_alarm("other-drift", "other"))
    alarms.ring("tiny-drift", "test")
    assert alarms.watching("PsiMax", {"Model": "tiny"}) == {"tiny-drift": "ALARM"}
    assert alarms.watching("QualityDrop", {"Model": "tiny"}) == {}
