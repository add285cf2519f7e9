"""Rollback alarms see the new fleet only and are whole before any traffic moves."""

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.fakes import MemoryAlarms
from trimtab.authoring import inference
from trimtab.errors import PlanError
from trimtab.rollout.production import arm_alarms
from trimtab.rollout.requests import VERSION_VARIABLE, serving_environment
from trimtab.rollout.rollback_alarms import fleet_dimensions, rollback_alarms
from trimtab.spec.rollout import RolloutSpec

ROLLOUT = RolloutSpec(max_error_share=0.02)
FLEET = fleet_dimensions("flights", "flights-v2")


def test_every_alarm_has_the_shape_that_cloudwatch_takes() -> None:
    shape = botocore.session.get_session().get_service_model("cloudwatch").shape_for("PutMetricAlarmInput")
    for request in rollback_alarms("flights-v2", FLEET, ROLLOUT):
        assert ParamValidator().validate(request, shape).generate_report() == ""
        assert request["TreatMissingData"] in ("notBreaching", "ignore")


def test_the_error_alarm_watches_the_new_fleet_only() -> None:
    errors = rollback_alarms("flights-v2", FLEET, ROLLOUT)[0]
    metrics = [each["MetricStat"]["Metric"] for each in errors["Metrics"] if "MetricStat" in each]
    assert [metric["MetricName"] for metric in metrics] == ["Invocation5XXErrors", "Invocations"]
    for metric in metrics:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        assert dimensions == {"EndpointName": "flights", "VariantName": "main", "EndpointConfigName": "flights-v2"}


def test_one_minute_ends_a_rollout_only_when_it_is_far_beyond_the_limit() -> None:
    allowed = (0.01, 0.02, 0.3)
    thresholds = [
        rollback_alarms("flights-v2", FLEET, RolloutSpec(max_error_share=share))[0]["Threshold"] for share in allowed
    ]
    assert thresholds == pytest.approx([0.1, 0.2, 0.5])


class LosingAlarms(MemoryAlarms):
    """CloudWatch that forgets what it was told."""

    def states(self, names: object) -> dict[str, str]:
        return {}


def test_no_traffic_moves_without_alarms() -> None:
    with pytest.raises(PlanError, match="flights-v2-errors is missing"):
        arm_alarms(LosingAlarms(), "flights-v2", FLEET, ROLLOUT)


def test_no_traffic_moves_while_an_alarm_rings() -> None:
    alarms = MemoryAlarms(state={"flights-v2-errors": "ALARM"})
    with pytest.raises(PlanError, match="flights-v2-errors is ALARM"):
        arm_alarms(alarms, "flights-v2", FLEET, ROLLOUT)


def test_the_serving_code_reads_the_variable_that_the_container_is_given() -> None:
    assert inference.VERSION_VARIABLE == VERSION_VARIABLE
    assert serving_environment(7)[VERSION_VARIABLE] == "7"
