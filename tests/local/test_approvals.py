"""Approvals on the local cloud: real users, IAM, registry, CloudTrail, events, ledger and signatures."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.functions.scene import ENDPOINT, SPEC, tiny_spec
from trimtab.ports import Package

from .approval_support import STEPS, Execution, Office, office
from .conftest import LocalCloud
from .iam_support import denied

SKIPPING = {"Null": {"sagemaker:CustomerMetadataProperties/trimtab-skip": "false"}}


@pytest.fixture(scope="module")
def registry(own_cloud: LocalCloud) -> LocalCloud:
    """A cloud with the model's package group."""
    own_cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=ENDPOINT)
    return own_cloud


@pytest.fixture
def made(registry: LocalCloud) -> Office:
    return office(registry, tiny_spec())


def served(made: Office) -> int:
    champion = made.ledger.state("champion")
    return int(champion["version"]) if champion else 0


def version(arn: str) -> int:
    return int(arn.rpartition("/")[2])


def status(made: Office, arn: str) -> Package:
    return made.registry.describe(arn)


def test_an_approval_is_known_by_its_approver_and_reason(made: Office) -> None:
    ann, arn = made.person("ann"), made.candidate("run-1")
    ann.turn(arn, reason="checked the slices")
    assert made.approvals(1) == [arn]
    assert Execution(made, "first").run(arn) == "Serving"
    (vote,) = made.ledger.entries("approval.voted")
    assert (vote.data["reason"], vote.data["source"]) == ("checked the slices", "cloudtrail")
    assert vote.data["caller"].startswith("arn:aws:iam::123456789012:user/ann-")
    assert served(made) == version(arn)


def test_two_people_approve_two_versions_at_once_and_every_event_comes_twice(made: Office) -> None:
    ann, bob = made.person("ann"), made.person("bob")
    older, newer = made.candidate("run-1"), made.candidate("run-2")
    together([lambda: ann.turn(older), lambda: bob.turn(newer)])
    told = made.approvals(2)
    assert sorted(told) == [older, newer]
    ended: list[tuple[Execution, str]] = []
    together([lambda arn=arn, copy=copy: ended.append(started(made, arn, copy)) for arn in told for copy in "ab"])  # type: ignore[misc]
    waiting = [run.next["package_arn"] for run, _ in ended if run.next]
    for turn in range(4):
        if waiting:
            ended.append(started(made, waiting.pop(), f"turn-{turn}"))
            waiting += [ended[-1][0].next["package_arn"]] if ended[-1][0].next else []
    moved = [run.promotion.state["promotion"]["version"] for run, _ in ended if run.rollouts]
    assert sorted(set(moved)) == sorted(moved), "no approval is acted upon twice"
    assert version(newer) in moved
    assert served(made) == version(newer)
    assert made.ledger.lease_holder("promotion") is None
    assert {outcome for _, outcome in ended} <= {"Serving", "Busy", "Duplicate", "Refused"}


def started(made: Office, arn: str, name: str) -> tuple[Execution, str]:
    """An execution that has ended, and how."""
    run = Execution(made, f"{version(arn)}-{name}")
    return run, run.run(arn)


def together(acts: list[Callable[[], object]]) -> None:
    """All at the same time; an error in any of them is the test's."""
    errors: list[BaseException] = []

    def guarded(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors, errors


@pytest.mark.parametrize("step", STEPS)
def test_a_rejection_before_any_step_leaves_production_as_it_was(made: Office, step: str) -> None:
    ann = made.person("ann")
    first = made.candidate("run-1")
    ann.turn(first)
    assert Execution(made, "first").run(first) == "Serving"
    live = made.endpoints.describe(ENDPOINT)
    second = made.candidate("run-2")
    ann.turn(second)
    run = Execution(made, "second", {step: lambda: ann.turn(second, "Rejected", "stop")})
    assert run.run(second) == ("RolledBack" if step in ("start", "watch") else "Refused")
    assert served(made) == version(first)
    after = made.endpoints.describe(ENDPOINT)
    assert after is not None
    assert live is not None
    assert after.config == live.config
    assert status(made, second).status == "Rejected"
    assert made.ledger.lease_holder("promotion") is None


def test_approve_reject_approve_with_all_events_late_and_shuffled_is_one_rollout(made: Office) -> None:
    ann, bob = made.person("ann"), made.person("bob")
    arn = made.candidate("run-1")
    ann.turn(arn)
    bob.turn(arn, "Rejected", "wait")
    ann.turn(arn)
    told = made.approvals(2)
    runs = [Execution(made, f"run-{number}") for number, _ in enumerate([*told, *told])]
    ended = [run.run(arn) for run in runs]
    assert ended == ["Serving", "Duplicate", "Duplicate", "Duplicate"]
    assert [vote.data["number"] for vote in made.ledger.entries("approval.voted")] == [1]


def test_an_approval_taken_back_before_its_event_comes_starts_nothing(made: Office) -> None:
    ann, arn = made.person("ann"), made.candidate("run-1")
    ann.turn(arn)
    ann.turn(arn, "Rejected", "second thoughts")
    assert Execution(made, "late").run(arn) == "Refused"
    assert made.endpoints.describe(ENDPOINT) is None


def test_two_approvers_and_the_machine_that_turns_the_switch_back(registry: LocalCloud) -> None:
    made = office(registry, tiny_spec(SPEC + "approval: {approvers: 2}\n"))
    ann, bob, arn = made.person("ann"), made.person("bob"), made.candidate("run-1")
    ann.turn(arn)
    assert made.approvals(1) == [arn]
    assert Execution(made, "first").run(arn) == "Pending"
    assert status(made, arn).status == "PendingManualApproval"
    ann.turn(arn)
    assert Execution(made, "again").run(arn) == "Pending"
    bob.turn(arn)
    assert made.approvals(2) == [arn, arn]
    assert Execution(made, "second").run(arn) == "Serving"
    assert [vote.data["number"] for vote in made.ledger.entries("approval.voted")] == [1, 2]


def test_who_submitted_a_version_does_not_approve_it(made: Office) -> None:
    sue, bob = made.person("sue"), made.person("bob")
    arn = made.candidate("run-1", submitted_by=sue.arn)
    sue.turn(arn)
    own = Execution(made, "own")
    assert own.run(arn) == "Refused"
    assert f"{sue.arn} submitted it and approved it" in own.promotion.state["promotion"]["reason"]
    assert status(made, arn).status == "PendingManualApproval"
    bob.turn(arn)
    assert Execution(made, "theirs").run(arn) == "Serving"


def tampered(made: Office, arn: str) -> None:
    made.objects.write(status(made, arn).artifact_uri, b"other bytes")


def resigned(made: Office, arn: str) -> None:
    made.cloud.client("sagemaker").update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"dataset": "another"}
    )


def expired(made: Office, _arn: str) -> None:
    made.cloud.advance(timedelta(days=31).total_seconds())


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (tampered, "its artifact was changed after it was registered"),
        (resigned, "its signature does not belong to its manifest of digests"),
        (expired, "approval.expiry_days"),
    ],
)
def test_what_is_not_as_it_was_registered_is_refused_with_its_reason(
    made: Office, spoil: Callable[[Office, str], None], reason: str
) -> None:
    ann, arn = made.person("ann"), made.candidate("run-1")
    if spoil is not expired:
        ann.turn(arn)
    spoil(made, arn)
    if spoil is expired:
        ann.turn(arn)
    run = Execution(made, "spoiled")
    assert run.run(arn) == "Refused"
    assert reason in run.promotion.state["promotion"]["reason"]
    assert status(made, arn).status == "Rejected"
    assert made.endpoints.describe(ENDPOINT) is None


def test_a_version_older_than_what_serves_is_refused(made: Office) -> None:
    ann = made.person("ann")
    older, newer = made.candidate("run-1"), made.candidate("run-2")
    ann.turn(newer)
    assert Execution(made, "newer").run(newer) == "Serving"
    ann.turn(older)
    run = Execution(made, "older")
    assert run.run(older) == "Refused"
    assert f"version {version(newer)} serves already" in run.promotion.state["promotion"]["reason"]


def test_skipping_checks_is_a_right_of_its_own_that_iam_gives(made: Office) -> None:
    never: dict[str, Any] = {
        "Effect": "Deny",
        "Action": "sagemaker:UpdateModelPackage",
        "Resource": "*",
        "Condition": SKIPPING,
    }
    ann, chief, arn = made.person("ann", never), made.person("chief"), made.candidate("run-1")
    with denied():
        ann.turn(arn, reason="hurry", skips="staging")
    chief.turn(arn, reason="production is wrong", skips="staging")
    run = Execution(made, "emergency")
    assert run.run(arn) == "Serving"
    assert run.promotion.state["promotion"]["skips_staging"] is True
    (mark,) = made.ledger.entries("approval.skipped")
    assert mark.data["reason"] == "production is wrong"
