"""What waits at an asynchronous endpoint, as CloudWatch is told; and that no metric is told that AWS does not have."""

from localcloud.sagemaker.backlog import readings
from localcloud.sagemaker.metrics import Outcome, samples


def test_a_backlog_is_shared_by_the_instances_and_has_nobody_when_there_are_none() -> None:
    assert readings(6, 2) == {
        "ApproximateBacklogSize": 6,
        "ApproximateBacklogSizePerInstance": 3,
        "HasBacklogWithoutCapacity": 0,
    }
    assert readings(6, 0) == {"ApproximateBacklogSize": 6, "HasBacklogWithoutCapacity": 1}


def test_asynchronous_endpoints_count_no_invocations() -> None:
    outcomes = [Outcome(200, 5, 1), Outcome(500, 5, 1)]
    found = {name: counts for name, _, counts in samples(outcomes, asynchronous=True)}
    assert set(found) == {"Invocation4XXErrors", "Invocation5XXErrors", "ModelLatency"}
    assert sum(found["Invocation5XXErrors"].values()) == 2, "its sample count is the number of requests"
    assert "Invocations" in {name for name, _, _ in samples(outcomes)}
