"""What production must not lose with a new config: looked at, registered again, and told."""

from dataclasses import dataclass, field

import pytest

from tests.fakes import RecordingNotifier
from trimtab.errors import ServiceRefused
from trimtab.names import VARIANT
from trimtab.ports import EndpointState
from trimtab.rollout.carried import AGAIN, KEPT, NONE, carried_over
from trimtab.rollout.scaling import Scaling, scaling_of
from trimtab.spec.rollout import RolloutSpec

SCALING = RolloutSpec.model_validate({"endpoint": {"autoscaling": {"max_count": 4}}})
LIVE = EndpointState("flights", "InService", "flights-v2", counts={VARIANT: 3}, capture_percent=100)


@dataclass
class Registered:
    """Scaling that somebody may have taken away, or that is not told."""

    scaling: Scaling | None = None
    silent: bool = False
    followed: list[Scaling] = field(default_factory=list)

    def follow(self, scaling: Scaling) -> None:
        self.followed.append(scaling)
        self.scaling = scaling

    def following(self, resource: str) -> Scaling | None:
        if self.silent:
            raise ServiceRefused("Application Auto Scaling did not say")
        return self.scaling


def test_what_was_kept_is_said_and_nobody_is_told() -> None:
    scaler, notifier = Registered(scaling_of(SCALING, "flights")), RecordingNotifier()
    found = carried_over(LIVE, SCALING, scaler).told(notifier)
    assert found == {"capture_percent": 100, "instances": 3, "scaling": KEPT, "missing": []}
    assert (scaler.followed, notifier.sent) == ([], [])


@pytest.mark.parametrize("lost", [None, Scaling("endpoint/flights/variant/main", 1, 9, 600, 60, 300)])
def test_scaling_that_is_gone_or_another_is_registered_again(lost: Scaling | None) -> None:
    scaler = Registered(lost)
    assert carried_over(LIVE, SCALING, scaler).scaling == AGAIN
    assert scaler.followed == [scaling_of(SCALING, "flights")]


def test_lost_capture_and_instances_are_told_in_words() -> None:
    notifier = RecordingNotifier()
    live = EndpointState("flights", "InService", "flights-v2", counts={VARIANT: 1})
    found = carried_over(live, RolloutSpec(), None).told(notifier)
    assert found["scaling"] == NONE
    assert found["missing"] == [
        "flights captures 0 per cent of its requests and not 100",
        "flights has 1 instances, and the spec asks for 2 at least",
    ]
    assert "captures 0 per cent" in notifier.sent[0]["what"]


def test_an_older_config_is_held_to_what_it_captures_itself() -> None:
    assert carried_over(LIVE, RolloutSpec(capture_percent=10), None).missing
    assert not carried_over(LIVE, RolloutSpec(capture_percent=10), None, capture_percent=100).missing


def test_what_scaling_does_not_tell_fails_no_rollout() -> None:
    found = carried_over(LIVE, SCALING, Registered(silent=True))
    assert (found.scaling, found.missing) == ("unknown", ("Application Auto Scaling did not say",))


def test_a_serverless_endpoint_has_neither_capture_nor_instances_to_lose() -> None:
    serverless = RolloutSpec.model_validate({"endpoint": {"kind": "serverless"}, "capture_percent": 0})
    assert not carried_over(EndpointState("flights", "InService", "flights-v2"), serverless, None).missing


def test_no_instance_is_nothing_lost_where_there_may_be_none() -> None:
    asleep = {"kind": "async", "autoscaling": {"max_count": 4, "to_zero": True}}
    rollout = RolloutSpec.model_validate({"endpoint": asleep})
    live = EndpointState("flights", "InService", "flights-v2", counts={VARIANT: 0}, capture_percent=100)
    scaler = Registered(scaling_of(rollout, "flights", protected=False))
    assert carried_over(live, rollout, scaler, protected=False).missing == ()
    assert carried_over(live, rollout, scaler, protected=True).missing
