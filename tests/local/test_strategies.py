"""Every way to move traffic on the local cloud: nobody's request fails, shares are as planned, a bad version goes."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.local.conftest import LocalCloud, wait_until
from tests.local.sagemaker_support import Studio
from tests.local.test_rollout_guards import CloudScene, Requests
from tests.unit.functions.scene import ENDPOINT, PromotionRun, tiny_spec, with_rollout
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.aws.objects import S3ObjectStore
from trimtab.errors import RolloutInProgress

SPEED = 60
SHORT = {"bake_minutes": 5, "min_requests": 5, "judge": {"required": ["errors", "error_limit"]}}


@dataclass
class Ride:
    """A promotion under traffic, moved by whatever its spec says."""

    scene: CloudScene
    promotion: PromotionRun
    told: list[str] = field(default_factory=list)

    def to_the_end(self, requests: Requests) -> dict[str, Any]:
        """The confirmation. The machine's loop is done here: shift, then SageMaker's own update where it goes on."""
        if self.promotion.state["plan"]["conducted"]:
            ended = wait_until(self._shifted, 120, lambda: f"{self.scene.live()}, {self.told[-3:]}")
            if ended["next"] == "settled":
                return self._confirmed()
        self.scene.cloud.client("sagemaker").update_endpoint(**self.promotion.state["plan"]["request"])
        return self.scene.ended(self.promotion, 120)

    def _shifted(self) -> dict[str, Any] | None:
        self.scene.look_at_the_clock()
        try:
            told = self.promotion.shift()
        except RolloutInProgress:
            return None
        self.told.append(f"{told['next']}: {told['reason']}")
        return told if told["next"] != "look" else None

    def _confirmed(self) -> dict[str, Any]:
        confirmation = self.promotion.confirm()
        self.promotion.close(confirmation["outcome"])
        return confirmation

    @property
    def percents(self) -> list[int]:
        """Shares of the new version as the ledger has them, in order."""
        entries = self.scene.ledger.entries("rollout.shifted", self.promotion.execution)
        return [entry.data["percent"] for entry in entries]


@pytest.fixture(scope="module")
def scene(own_cloud: LocalCloud) -> Iterator[CloudScene]:
    """Version 1 serves, and time is fast."""
    studio = Studio(own_cloud)
    for bucket in ("artifacts", "captures"):
        own_cloud.client("s3").create_bucket(Bucket=bucket)
    made = CloudScene(cloud=own_cloud, role=studio.role, spec=tiny_spec())
    sagemaker, runtime = own_cloud.client("sagemaker"), own_cloud.client("sagemaker-runtime")
    made.objects = S3ObjectStore(own_cloud.client("s3"))  # type: ignore[assignment]
    made.endpoints = SageMakerEndpoints(sagemaker, runtime)  # type: ignore[assignment]
    made.alarms = CloudWatchAlarms(own_cloud.client("cloudwatch"))  # type: ignore[assignment]
    made.measurements = CloudWatchMeasurements(own_cloud.client("cloudwatch"))  # type: ignore[assignment]
    assert made.ended(made.started("run-1"))["outcome"] == "Serving"
    own_cloud.set_speed(SPEED)
    yield made
    made.endpoints.delete(ENDPOINT)


@pytest.fixture
def requests(scene: CloudScene) -> Iterator[Requests]:
    with Requests(SageMakerEndpoints(None, scene.cloud.client("sagemaker-runtime"))) as made:
        yield made


def ride(scene: CloudScene, run: str, *, broken: bool = False, **rollout: Any) -> Ride:
    """A promotion that is planned and has not begun to move; staging is left out."""
    scene.spec = with_rollout(tiny_spec(), **(SHORT | rollout))
    promotion = PromotionRun(scene, run)
    assert promotion.check(scene.candidate(run, broken=broken))["outcome"] == "Approved"
    promotion.plan()
    return Ride(scene, promotion)


def failed(answers: Counter[str]) -> int:
    return sum(count for answer, count in answers.items() if answer.startswith("HTTP"))


@pytest.mark.parametrize(
    ("strategy", "percents"),
    [
        ({"strategy": "all_at_once"}, [100]),
        ({"strategy": "canary", "percent": 50}, [50, 100]),
        ({"strategy": "linear", "percent": 50}, [50, 100]),
        ({"strategy": "rolling", "percent": 50}, [50, 100]),
        ({"strategy": "stepped", "steps": [10, 50, 100]}, [10, 50, 100]),
        ({"strategy": "shadow", "shadow": {"minutes": 5, "then": "canary"}, "percent": 50}, [0, 50, 100]),
    ],
    ids=lambda value: value["strategy"] if isinstance(value, dict) else "",
)
def test_a_good_version_takes_over_in_the_planned_order_and_no_request_fails(
    scene: CloudScene, requests: Requests, strategy: dict[str, Any], percents: list[int]
) -> None:
    made = ride(scene, f"run-{strategy['strategy']}", **(strategy | _lenient(strategy["strategy"])))
    confirmation = made.to_the_end(requests)
    assert confirmation["outcome"] == "Serving", confirmation["reason"]
    assert made.percents == percents
    live = scene.live()
    assert live is not None
    assert (live.config, live.counts) == (made.promotion.state["plan"]["config"], {"main": 2})
    assert failed(requests.answers) == 0
    version = str(confirmation["version"])
    wait_until(lambda: requests.answers[version] > 0, 20)


def _lenient(strategy: str) -> dict[str, Any]:
    """All at once there is no minute in which both fleets answer, so nothing can be compared."""
    return {"on_inconclusive": "proceed"} if strategy == "all_at_once" else {}


def test_the_share_of_the_new_version_is_that_of_the_step(scene: CloudScene, requests: Requests) -> None:
    made = ride(scene, "run-share", strategy="stepped", steps=[{"percent": 25, "gate": "manual"}, 100])
    version = str(made.promotion.state["promotion"]["version"])
    wait_until(lambda: made._shifted() is None and made.percents[-1:] == [25], 60, lambda: str(made.told[-3:]))
    live = scene.live()
    assert live is not None
    assert live.weights == {"main": 75.0, "challenger": 25.0}
    asked = sagemaker_answers(scene, 400)
    assert abs(asked[version] / sum(asked.values()) - 0.25) < 0.0875  # four standard deviations
    wait_until(lambda: made._shifted() is None and _held(made), 90, lambda: str(made.told[-3:]))
    assert made.percents == [25]
    scene.ledger.append("rollout.released", "run-share", {"step": 1, "by": "ada", "reason": "fine"}, scene.now, "ada")
    assert made.to_the_end(requests)["outcome"] == "Serving"
    assert failed(requests.answers) == 0


def _held(made: Ride) -> bool:
    entries = made.scene.ledger.entries("rollout.held", made.promotion.execution)
    return any(entry.data["why"] == "gate" for entry in entries)


def sagemaker_answers(scene: CloudScene, count: int) -> Counter[str]:
    """Versions that answered so many requests."""
    found: Counter[str] = Counter()
    for _ in range(count):
        answer = scene.endpoints.invoke(ENDPOINT, b'{"row": 1, "x": 0.5, "kind": "a"}\n')
        assert answer.status == 200
        found[str(json.loads(answer.body)["version"])] += 1
    return found


def test_a_broken_version_gets_one_step_and_the_old_one_everything_back(scene: CloudScene, requests: Requests) -> None:
    before = scene.live()
    assert before is not None
    made = ride(scene, "run-broken", broken=True, strategy="stepped", steps=[20, 100])
    confirmation = made.to_the_end(requests)
    assert confirmation["outcome"] == "RolledBack"
    assert made.percents == [20]
    live = scene.live()
    assert live is not None
    assert (live.status, live.config, live.weights) == ("InService", before.config, {"main": 1.0})
    told = scene.ledger.entries("rollout.going_back", "run-broken")
    assert len(told) == 1
    lost = failed(requests.answers)
    assert 0 < lost < 0.4 * sum(requests.answers.values())


def test_a_shadow_that_fails_every_request_is_noticed_by_nobody(scene: CloudScene, requests: Requests) -> None:
    made = ride(scene, "run-dark", broken=True, strategy="shadow", shadow={"minutes": 5, "then": "canary"})
    confirmation = made.to_the_end(requests)
    assert confirmation["outcome"] == "RolledBack"
    assert failed(requests.answers) == 0
    assert scene.ledger.entries("rollout.shadowed", "run-dark") == []
