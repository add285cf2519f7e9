"""Instances follow requests as model.yaml says."""

from dataclasses import dataclass, field, replace

import pytest

from functions.scale_endpoint.handler import scale
from tests.unit.functions.scene import ENDPOINT, SPEC, Scene, tiny_spec
from trimtab.rollout.scaling import Scaling

SCALED = SPEC.replace(
    "min_requests: 50}", "min_requests: 50, instance_count: 3, endpoint: {autoscaling: {max_count: 8}}}"
)


@dataclass
class RecordingScaler:
    """What was asked for."""

    asked: list[Scaling] = field(default_factory=list)

    def follow(self, scaling: Scaling) -> None:
        self.asked.append(scaling)

    def following(self, resource: str) -> Scaling | None:
        return next((each for each in reversed(self.asked) if each.resource == resource), None)


def test_an_endpoint_in_service_is_registered_between_its_instances_and_the_most() -> None:
    scaler = RecordingScaler()
    told = scale(Scene(spec=tiny_spec(SCALED)).runtime, scaler)
    (wanted,) = scaler.asked
    assert wanted.resource == f"endpoint/{ENDPOINT}/variant/main"
    assert (wanted.least, wanted.most, wanted.per_instance) == (3, 8, 600)
    assert (wanted.scale_out_s, wanted.scale_in_s) == (60, 300)
    assert told["scaled"] is True


def test_an_asynchronous_endpoint_follows_its_backlog() -> None:
    scaler = RecordingScaler()
    waiting = SCALED.replace("{autoscaling: {max_count: 8}}", "{kind: async, autoscaling: {max_count: 8}}")
    scale(Scene(spec=tiny_spec(waiting)).runtime, scaler)
    (wanted,) = scaler.asked
    assert (wanted.metric, wanted.per_instance, wanted.endpoint) == ("backlog", 5, ENDPOINT)


@pytest.mark.parametrize(("protected", "least"), [(False, 0), (True, 3)])
def test_only_where_state_is_not_protected_may_an_asynchronous_endpoint_have_no_instance(
    protected: bool, least: int
) -> None:
    scaler, asked = RecordingScaler(), "{kind: async, autoscaling: {max_count: 8, to_zero: true}}"
    runtime = Scene(spec=tiny_spec(SCALED.replace("{autoscaling: {max_count: 8}}", asked))).runtime
    told = replace(runtime, settings=runtime.settings.model_copy(update={"protected": protected}))
    told.__dict__["spec"] = runtime.spec
    scale(told, scaler)
    assert [(wanted.least, wanted.wakes) for wanted in scaler.asked] == [(least, not protected)]


def test_without_autoscaling_nothing_is_registered() -> None:
    scaler = RecordingScaler()
    assert scale(Scene().runtime, scaler) == {"scaled": False}
    assert scaler.asked == []
