"""The judge's evidence as the local cloud's CloudWatch has it, while SageMaker's canary takes its share."""

from datetime import datetime, timedelta

import pytest

from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.rollout.judge.evidence import Fleet
from trimtab.rollout.judge.look import look
from trimtab.rollout.judge.sources import Sources, Subject
from trimtab.rollout.judge.verdict import Check, Judgement
from trimtab.spec.judging import JudgeSpec
from trimtab.spec.rollout import RolloutSpec

from .conftest import LocalCloud, wait_until
from .sagemaker_support import Studio, Traffic

SPEED = 60
HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
ROLLOUT = RolloutSpec(judge=JudgeSpec(without=("scores", "profile", "agreement")))


@pytest.fixture(scope="module")
def studio(own_cloud: LocalCloud) -> Studio:
    own_cloud.set_speed(SPEED)
    return Studio(own_cloud)


def canary(studio: Studio, old_seconds: float, new_seconds: float) -> Subject:
    """Half of the requests go to a fleet whose model takes ``new_seconds``, for an hour."""
    old, new = (studio.config({"version": name, "seconds": s}) for name, s in (("1", old_seconds), ("2", new_seconds)))
    endpoint, since = studio.endpoint(old), datetime.fromisoformat(studio.cloud.now())
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 3600, "CanarySize": HALF}
    studio.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=new,
        DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}},
    )
    fleets = [Fleet(endpoint, config, "AllTraffic") for config in (new, old)]
    return Subject("fake", since, since + timedelta(days=1), fleets[0], 2, fleets[1], 1)


def watched(studio: Studio, subject: Subject, points: int, outcome: str = "") -> Judgement:
    """The first look with so many points of the new fleet, or with ``outcome``; a look a second."""
    sources = Sources(CloudWatchMeasurements(studio.cloudwatch))

    def judged() -> Judgement | None:
        judgement = look(subject, ROLLOUT, sources, datetime.fromisoformat(studio.cloud.now()))
        return judgement if judgement.outcome == outcome or latency(judgement).n_new >= points else None

    with Traffic(studio, subject.new.endpoint, clients=4):
        found: Judgement = wait_until(judged, 60)
    return found


def latency(judgement: Judgement) -> Check:
    check = judgement.check("latency")
    assert check is not None
    return check


def test_a_slower_model_is_found_by_the_percentiles_of_both_fleets(studio: Studio) -> None:
    judgement = watched(studio, canary(studio, 0.05, 0.1), 100_000, "fail")
    found = latency(judgement)
    assert found.value is not None
    assert found.value > 0.15
    assert min(found.n_new, found.n_old) >= 50
    assert judgement.window is not None


def test_the_same_model_twice_passes_with_the_requests_of_both_fleets(studio: Studio) -> None:
    judgement = watched(studio, canary(studio, 0.05, 0.05), 100)
    assert judgement.outcome == "pass", judgement.message
    errors = judgement.check("errors")
    assert errors is not None
    assert errors.n_new == pytest.approx(latency(judgement).n_new, abs=20)
