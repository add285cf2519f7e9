"""The deployed machines: gates, queues, emergencies, what breaks in the midst of a promotion, who takes whose place.

The steps build on each other: a failure makes those after it fail too.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import LocalCloud, own_cloud, wait_until
from tests.local.loop_support import PREFIX
from tests.local.people_support import person
from tests.scenarios.deployed import APPROVAL, Deployed, deployed

__all__ = ["own_cloud"]

MANAGING = ("Create*", "Describe*", "List*", "Update*", "Delete*")
STRUCK = (*(("sagemaker", operation) for operation in MANAGING), ("monitoring", "*"), ("dynamodb", "*"))
"""Calls that are struck while a promotion is planned, staged, started and moved: all but the requests of callers."""


@pytest.fixture(scope="module")
def app(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with deployed(own_cloud, tmp_path_factory.mktemp("pumps")) as made:
        yield made


def test_two_people_approve_a_repeated_event_is_a_duplicate_and_the_next_version_waits_for_its_turn(
    app: Deployed,
) -> None:
    second, third = app.successor(), app.successor()
    with app.callers() as callers:
        app.approve(second)
        app.until(second, "Held")
        app.start(app.arn(second))
        assert app.ended().state == "Duplicate"
        app.approve(third)
        assert app.ended().state == "Busy"
        app.release()
        assert app.ended().state == "Serving"
        assert app.config().startswith(f"{PREFIX}-v{second}-")
        app.until(third, "Held")
    assert callers.failed == 0
    assert callers.sent > 100


def test_a_rollout_that_is_aborted_goes_back_and_whoever_watches_is_told(app: Deployed) -> None:
    third, before = len(app.loop.versions()), app.entries("rollout.serving")[-1].data["live_config"]
    ann, bob = app.approvers
    watching = bob.watching("tiny")
    with app.callers() as callers:
        told = ann.trimtab("rollout", "abort", "tiny", "--reason", "calls came in")
        assert (told["version"], told["status"]) == (third, "Rejected")
        assert app.ended().state == "RolledBack"
    status, moments = watching.ended()
    assert status == 3
    assert {"Held", "RolledBack"} <= {moment["phase"] for moment in moments}
    assert "no longer approved" in moments[-1]["reason"]
    assert app.config() == before
    assert callers.failed == 0


def test_in_an_emergency_staging_is_left_out_with_a_mark(app: Deployed) -> None:
    fourth = app.successor()
    app.approve(fourth, "--skip-staging", "--reason", "production answers nonsense", by=app.chiefs)
    app.until(fourth, "Held")
    assert app.entries("approval.skipped")[-1].data["reason"] == "production answers nonsense"
    about = [entry.kind for entry in app.entries() if entry.subject == app.entries("rollout.planned")[-1].subject]
    assert "staging.tested" not in about


def test_a_key_that_is_disabled_in_the_midst_sends_traffic_back_with_its_reason(app: Deployed) -> None:
    kms, before = app.loop.cloud.client("kms"), app.entries("rollout.serving")[-1].data["live_config"]
    bucket = app.loop.data["ArtifactsBucket"]
    rules = app.loop.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    key = rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    with app.callers() as callers:
        kms.disable_key(KeyId=key)
        ended = app.ended()
        weights = {each["VariantName"]: each["CurrentWeight"] for each in app.loop.endpoint()["ProductionVariants"]}
        kms.enable_key(KeyId=key)
        # No new instance can read its model while the key is closed, so the old config waits for it.
        app.loop.sagemaker.update_endpoint(EndpointName=PREFIX, EndpointConfigName=before)
        wait_until(lambda: app.config() == before, 60, app.config)
    print(f"\nkey disabled: {ended.state}, {ended.output.get('end')}")
    assert ended.state in ("RolledBack", "PromotionFailed")
    assert weights == {"main": 100.0, "challenger": 0.0}
    assert callers.failed == 0
    closed = app.entries("promotion.closed")[-1]
    assert "isabled" in closed.data["reason"]


def striking(kind: str, probability: float) -> list[dict[str, Any]]:
    calls = [{"service": service, "operation": operation} for service, operation in STRUCK]
    return [{"kind": kind, "probability": probability, **call} for call in calls]


def test_calls_that_are_struck_from_the_approval_on_lose_no_request_of_a_good_successor(app: Deployed) -> None:
    fifth = app.successor()
    plan = [*striking("throttle", 0.1), *striking("error", 0.05), *striking("lost_answer", 0.05)]
    app.loop.cloud.admin("faults", {"seed": 7, "faults": plan})
    try:
        with app.callers() as callers:
            app.approve(fifth)
            app.until(fifth, "Held")
            app.release()
            ended = app.ended()
        struck = sum(int(each["struck"]) for each in app.loop.cloud.admin("faults")["faults"])
    finally:
        app.loop.cloud.admin("faults", {"faults": []})
    print(f"\nstruck: {ended.state}, {struck} calls, {callers.failed} of {callers.sent} requests failed")
    assert ended.state == "Serving", ended
    assert struck > 20
    assert callers.failed == 0
    assert app.config().startswith(f"{PREFIX}-v{fifth}-")


def test_who_may_only_read_sees_a_rollout_and_moves_nothing(app: Deployed) -> None:
    sixth, reader = app.successor(), person(app.loop.cloud, "Reader")
    app.approve(sixth)
    app.until(sixth, "Held")
    assert reader.trimtab("rollout", "status", "tiny")["phase"] == "Held"
    assert reader.trimtab("served", "tiny")["versions"]
    for command in (
        ("approve", "tiny", str(sixth), "--again", "--reason", "mine"),
        ("reject", "tiny", str(sixth), "--reason", "mine"),
        ("rollout", "release", "tiny", "--reason", "mine"),
        ("rollout", "abort", "tiny", "--reason", "mine"),
        ("rollback", "tiny", "--reason", "mine"),
        ("retraining", "resume", "tiny", "--reason", "mine"),
    ):
        reader.refused(*command)
    assert app.phase(sixth) == "Held"
    app.approvers[1].trimtab("reject", "tiny", str(sixth), "--reason", "enough seen")
    assert app.ended().state == "RolledBack"


def test_a_newer_approval_takes_the_place_of_the_rollout_under_way_and_an_older_one_does_not(app: Deployed) -> None:
    older, newer = app.successor(), app.successor()
    app.redeploy(approval=APPROVAL | {"busy": "supersede"})
    with app.callers() as callers:
        app.approve(older)
        app.until(older, "Held")
        app.approve(newer)
        assert {app.ended().state, app.ended().state} == {"Busy", "RolledBack"}
        app.until(newer, "Held")
        assert app.status(older) == ("Rejected", f"superseded by version {newer}")
        app.approve(older, "--again")
        assert app.ended().state == "Busy"
        assert app.phase(newer) == "Held"
        app.release()
        assert {app.ended().state, app.ended().state} == {"Serving", "Refused"}
    assert callers.failed == 0
    assert callers.sent > 100
    assert app.config().startswith(f"{PREFIX}-v{newer}-")
    assert one_after_the_other(app, older, newer)


def one_after_the_other(app: Deployed, older: int, newer: int) -> bool:
    """The first of the two wrote nothing more once the second had the lease, which has a higher fence."""
    let_in = {
        each.data["version"]: each for each in app.entries("approval.checked") if each.data["outcome"] == "Approved"
    }
    first, second = let_in[older], let_in[newer]
    told = [each.seq for each in app.entries() if each.subject == first.subject]
    return int(first.data["fence"]) < int(second.data["fence"]) and max(told) < second.seq
