"""What is served decides, not the endpoint's status."""

from trimtab.ports import EndpointState
from trimtab.rollout.outcome import is_settled, outcome_of

OLD, NEW = "flights-v1-aaaaaaaa", "flights-v2-bbbbbbbb"


def test_the_new_config_in_service_is_serving() -> None:
    assert outcome_of(NEW, EndpointState("flights", "InService", NEW), []).outcome == "Serving"


def test_a_silent_rollback_is_recognised_although_the_endpoint_is_in_service() -> None:
    found = outcome_of(NEW, EndpointState("flights", "InService", OLD), ["alarm x rings"])
    assert found.outcome == "RolledBack"
    assert found.live_config == OLD
    assert found.reason == f"the endpoint is InService, but serves {OLD} and not {NEW}: alarm x rings"


def test_a_rollback_without_a_ringing_alarm_says_where_to_look() -> None:
    reason = outcome_of(NEW, EndpointState("flights", "InService", OLD), []).reason
    assert "none of its alarms rings" in reason
    assert "cloudwatch:DescribeAlarms" in reason
    assert "DeleteEndpoint" in outcome_of(NEW, None, []).reason


def test_a_failed_rollback_names_the_command_that_helps() -> None:
    found = outcome_of(NEW, EndpointState("flights", "UpdateRollbackFailed", OLD), [])
    assert found.outcome == "RolledBack"
    assert f"aws sagemaker update-endpoint --endpoint-name flights --endpoint-config-name {OLD}" in found.reason


def test_the_new_config_on_an_endpoint_that_failed_does_not_serve() -> None:
    assert outcome_of(NEW, EndpointState("flights", "Failed", NEW), []).outcome == "RolledBack"


def test_an_endpoint_that_was_deleted_by_hand_does_not_serve() -> None:
    found = outcome_of(NEW, None, [])
    assert (found.outcome, found.live_config) == ("RolledBack", None)


def test_an_endpoint_settles_when_sagemaker_leaves_it_alone() -> None:
    states = {"Creating": False, "Updating": False, "RollingBack": False, "SystemUpdating": False, "Deleting": False}
    states |= {"InService": True, "Failed": True, "OutOfService": True, "UpdateRollbackFailed": True}
    assert {name: is_settled(EndpointState("flights", name, OLD)) for name in states} == states
    assert is_settled(None)
