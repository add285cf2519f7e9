"""Approvals as people give them: several of them, twice, taken back, superseded, in an emergency."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes import ANN
from tests.unit.functions.scene import (
    ENDPOINT,
    SPEC,
    PromotionRun,
    Scene,
    approved,
    kinds,
    moving,
    serve_first_version,
    tiny_spec,
)
from trimtab.errors import ApprovalWithdrawn, ApproverUnknown, LeaseLost, TrailNotRead
from trimtab.ports import Package
from trimtab.rollout.queue import LEASE
from trimtab.rollout.votes import StatusChange
from trimtab.telemetry import Metric

BOB = "arn:aws:iam::123456789012:user/bob"


def scene_with(approval: str) -> Scene:
    return Scene(spec=tiny_spec(SPEC + f"approval: {{{approval}}}\n"))


def voted(scene: Scene) -> list[tuple[str, int]]:
    return [(entry.data["by"], entry.data["number"]) for entry in scene.ledger.entries("approval.voted")]


# several people -------------------------------------------------------------------------------------------------------


def test_two_people_have_to_turn_the_same_switch_one_after_the_other() -> None:
    scene = scene_with("approvers: 2")
    arn = scene.register().arn
    scene.registry.approve(arn, ANN, reason="looks good")
    first = PromotionRun(scene, "first").check(arn)
    assert (first["outcome"], first["reason"]) == ("Pending", f"1 of 2 approvals by {ANN}")
    assert scene.registry.describe(arn).status == "PendingManualApproval"
    assert scene.ledger.lease_holder(LEASE) is None
    assert "another approval" in scene.notifier.sent[-1]["subject"]
    scene.registry.approve(arn, BOB)
    second = PromotionRun(scene, "second").check(arn)
    assert (second["outcome"], second["approved_by"]) == ("Approved", [ANN, BOB])
    assert voted(scene) == [(ANN, 1), (BOB, 2)]
    assert scene.ledger.entries("approval.voted")[0].data["reason"] == "looks good"


def test_one_person_twice_is_not_two() -> None:
    scene = scene_with("approvers: 2")
    arn = scene.register().arn
    for execution in ("first", "second"):
        scene.registry.approve(arn, ANN)
        assert PromotionRun(scene, execution).check(arn)["outcome"] == "Pending"
    assert voted(scene) == [(ANN, 1)]


def test_who_submitted_a_version_gets_it_back_to_be_approved_by_another(scene: Scene) -> None:
    arn = scene.register(submitted_by=ANN).arn
    scene.registry.approve(arn, ANN)
    mine = PromotionRun(scene, "mine").check(arn)
    assert mine["outcome"] == "Refused"
    assert f"{ANN} submitted it and approved it" in mine["reason"]
    assert scene.registry.describe(arn).status == "PendingManualApproval"
    scene.registry.approve(arn, BOB)
    assert PromotionRun(scene, "theirs").check(arn)["outcome"] == "Approved"


def test_a_change_by_another_person_after_the_approval_does_not_make_them_the_approver(scene: Scene) -> None:
    """The registry only remembers who changed a version last."""
    arn = scene.register(submitted_by=ANN).arn
    scene.registry.approve(arn, ANN)
    scene.registry.put(replace(scene.registry.describe(arn), approved_by=BOB))
    assert PromotionRun(scene, "mine").check(arn)["outcome"] == "Refused"


# the trail is late ----------------------------------------------------------------------------------------------------


class LateTrail:
    """CloudTrail, some minutes behind."""

    def changes(self, package: Package, at: datetime) -> list[StatusChange]:
        """Nothing yet."""
        return []


def without_trail(scene: Scene, execution: str, arn: str) -> dict[str, Any]:
    """What the machine asks when CloudTrail has said nothing for twenty minutes."""
    run = PromotionRun(scene, execution)
    ports = (scene.registry, scene.signer, LateTrail())
    return dict(run.call("check_approval", "check", ports, package_arn=arn, source="registry"))


def test_as_long_as_cloudtrail_is_behind_the_check_asks_to_be_repeated(scene: Scene) -> None:
    arn = approved(scene)
    scene.trail = LateTrail()
    with pytest.raises(ApproverUnknown, match="does not show yet"):
        PromotionRun(scene, "early").check(arn)
    assert scene.ledger.entries("approval.checked") == []
    assert scene.ledger.lease_holder(LEASE) is None
    scene.trail = None
    assert PromotionRun(scene, "early").check(arn)["outcome"] == "Approved"


def test_in_the_end_the_registry_is_believed_and_the_ledger_says_so(scene: Scene) -> None:
    arn = approved(scene)
    scene.registry.put(replace(scene.registry.describe(arn), approved_by=BOB))
    assert without_trail(scene, "late", arn)["approved_by"] == [BOB]
    assert scene.ledger.entries("approval.checked")[0].data["source"] == "registry"


@pytest.mark.parametrize("approval", ["four_eyes: true", "approvers: 2", f'by: ["{BOB}"]'])
def test_where_it_matters_who_approved_nobody_is_not_enough(approval: str) -> None:
    scene = scene_with(approval)
    found = without_trail(scene, "late", approved(scene))
    assert found["outcome"] == "Refused"
    assert "nobody can say who approved it" in found["reason"]


class HalfReadTrail:
    """More events than one reading may take."""

    def changes(self, package: Package, at: datetime) -> list[StatusChange]:
        """Not an answer."""
        raise TrailNotRead("CloudTrail's events were read back to yesterday")


@pytest.mark.parametrize("source", ["cloudtrail", "registry"])
def test_a_trail_that_was_read_in_part_approves_nothing_whoever_is_believed(scene: Scene, source: str) -> None:
    arn = approved(scene)
    scene.registry.put(replace(scene.registry.describe(arn), approved_by=BOB))
    ports = (scene.registry, scene.signer, HalfReadTrail())
    with pytest.raises(TrailNotRead):
        PromotionRun(scene, "half").call("check_approval", "check", ports, package_arn=arn, source=source)
    assert [kind for kind in kinds(scene) if kind.startswith("approval.")] == []
    assert scene.ledger.lease_holder(LEASE) is None
    assert scene.registry.describe(arn).status == "Approved"
    assert PromotionRun(scene, "half").check(arn)["outcome"] == "Approved"


# once -----------------------------------------------------------------------------------------------------------------


def test_an_approval_delivered_twice_while_it_is_acted_upon_is_a_duplicate_and_not_queued(scene: Scene) -> None:
    run = moving(scene)
    arn = run.state["promotion"]["package_arn"]
    again = PromotionRun(scene, "again").check(arn)
    assert (again["outcome"], again["reason"]) == ("Duplicate", "second acts upon this approval")
    assert scene.ledger.entries("promotion.waiting") == []


def test_a_change_of_something_else_in_an_approved_version_starts_nothing(scene: Scene) -> None:
    first = serve_first_version(scene)
    arn = first.state["promotion"]["package_arn"]
    scene.registry._turned(arn, "", scene.registry.trail[arn][0].by, at=scene.now)
    assert PromotionRun(scene, "edited").check(arn)["outcome"] == "Duplicate"


def test_a_duplicate_does_not_take_a_waiting_approval_out_of_the_queue(scene: Scene) -> None:
    run = moving(scene)
    third = approved(scene, "run-3")
    assert PromotionRun(scene, "third").check(third)["outcome"] == "Busy"
    assert PromotionRun(scene, "third again").check(third)["outcome"] == "Busy"
    scene.registry.reject(run.state["promotion"]["package_arn"], "stop")
    closed = run.close("RolledBack")
    assert closed["next"]["package_arn"] == third
    assert PromotionRun(scene, "resumed").check(third)["outcome"] == "Approved"
    assert PromotionRun(scene, "third once more").check(third)["outcome"] == "Duplicate"


def test_a_version_whose_promotion_failed_is_promoted_again_when_it_is_turned_off_and_on(scene: Scene) -> None:
    arn = approved(scene)
    run = PromotionRun(scene, "first")
    run.check(arn)
    run.close("Failed", "the network was down")
    assert PromotionRun(scene, "again").check(arn)["outcome"] == "Duplicate"
    scene.registry.reopen(arn, "")
    scene.registry.approve(arn)
    assert PromotionRun(scene, "turned").check(arn)["outcome"] == "Approved"


# taken back -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Rejected", "PendingManualApproval"])
@pytest.mark.parametrize("step", ["stage", "test", "plan"])
def test_a_withdrawn_approval_ends_before_the_next_step_whatever_that_is(scene: Scene, step: str, status: str) -> None:
    arn = approved(scene)
    run = PromotionRun(scene, "second")
    run.check(arn)
    if step != "stage":
        run.raise_until_ready()
    before = dict(scene.endpoints.models)
    scene.registry.put(replace(scene.registry.describe(arn), status=status, description="second thoughts"))
    with pytest.raises(ApprovalWithdrawn, match=rf"version 1 is {status} \(second thoughts\): its promotion ends here"):
        getattr(run, step)()
    assert scene.endpoints.models == before
    run.close("Refused", "ApprovalWithdrawn")
    assert scene.ledger.lease_holder(LEASE) is None
    assert ENDPOINT not in scene.endpoints.endpoints


@pytest.mark.parametrize("step", ["stage", "test", "plan"])
def test_a_promotion_whose_lease_has_passed_on_does_nothing_more(scene: Scene, step: str) -> None:
    arn = approved(scene)
    run = PromotionRun(scene, "second")
    run.check(arn)
    if step != "stage":
        run.raise_until_ready()
    later = scene.later(days=30)
    assert scene.ledger.lease(LEASE, "another", later, 60) is not None
    with pytest.raises(LeaseLost, match="lost the lease to another"):
        getattr(run, step)()


def test_reject_before_approve_in_the_queue_of_events_ends_as_the_registry_says(scene: Scene) -> None:
    """The event of the approval comes after that of the rejection, and says Approved."""
    arn = approved(scene)
    scene.registry.reject(arn, "no")
    assert PromotionRun(scene, "late event").check(arn)["outcome"] == "Refused"
    scene.registry.approve(arn)
    assert PromotionRun(scene, "approved again").check(arn)["outcome"] == "Approved"


def test_a_version_rejected_while_it_waits_is_refused_when_its_turn_comes(scene: Scene) -> None:
    run = moving(scene)
    third = approved(scene, "run-3")
    PromotionRun(scene, "third").check(third)
    scene.registry.reject(third, "no")
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    run.confirm()
    assert run.close("Serving")["next"]["package_arn"] == third
    resumed = PromotionRun(scene, "resumed")
    assert resumed.check(third)["outcome"] == "Refused"
    assert resumed.close("Refused")["next"] is None


# busy -----------------------------------------------------------------------------------------------------------------


def test_a_newer_version_supersedes_the_one_under_way_where_the_spec_says_so() -> None:
    scene = scene_with("busy: supersede")
    older = approved(scene, "run-1")
    run = PromotionRun(scene, "older")
    run.check(older)
    newer = approved(scene, "run-2")
    assert PromotionRun(scene, "newer").check(newer)["outcome"] == "Busy"
    found = scene.registry.describe(older)
    assert (found.status, found.description) == ("Rejected", "superseded by version 2")
    assert scene.ledger.entries("promotion.superseded")[0].subject == "older"
    with pytest.raises(ApprovalWithdrawn, match="superseded by version 2"):
        run.stage()
    assert run.close("Refused")["next"]["package_arn"] == newer


def test_an_older_version_supersedes_nothing() -> None:
    scene = scene_with("busy: supersede")
    older, newer = scene.register("run-1").arn, approved(scene, "run-2")
    PromotionRun(scene, "newer").check(newer)
    scene.registry.approve(older)
    assert PromotionRun(scene, "older").check(older)["outcome"] == "Busy"
    assert scene.registry.describe(newer).status == "Approved"


def test_an_approval_is_refused_while_another_is_under_way_where_the_spec_says_so() -> None:
    scene = scene_with("busy: refuse")
    PromotionRun(scene, "first").check(approved(scene, "run-1"))
    second = PromotionRun(scene, "second")
    found = second.check(approved(scene, "run-2"))
    assert found["outcome"] == "Refused"
    assert found["reason"].startswith("first is promoting, and approval.busy says refuse")
    assert second.close("Refused")["next"] is None
    held = scene.ledger.lease_holder(LEASE)
    assert held is not None
    assert held.holder == "first"


# emergencies ----------------------------------------------------------------------------------------------------------


def test_an_emergency_skips_staging_and_leaves_marks_everywhere(scene: Scene) -> None:
    arn = scene.register().arn
    scene.registry.approve(arn, BOB, skips=("staging", "gates"), reason="prices are wrong in production")
    run = PromotionRun(scene, "emergency")
    found = run.check(arn)
    assert (found["outcome"], found["skips"], found["skips_staging"]) == ("Approved", ["staging", "gates"], True)
    (entry,) = scene.ledger.entries("approval.skipped")
    assert (entry.data["by"], entry.data["reason"]) == (BOB, "prices are wrong in production")
    assert scene.notifier.sent[-1]["subject"] == "version 1 skips staging and gates"
    assert [point[0] for point in scene.metrics.points].count(Metric.APPROVALS_SKIPPING) == 1


@pytest.mark.parametrize(
    ("act", "complaint"),
    [
        ({"skips": ("staging",)}, "skips checks without a reason"),
        ({"skips": ("staging",), "reason": "  "}, "skips checks without a reason"),
        ({"skips": ("judge",), "reason": "hurry"}, "it asks to skip judge; what may be skipped is staging and gates"),
    ],
)
def test_an_emergency_without_a_reason_or_of_another_kind_is_refused(
    scene: Scene, act: dict[str, Any], complaint: str
) -> None:
    arn = scene.register().arn
    scene.registry.approve(arn, BOB, **act)
    found = PromotionRun(scene, "emergency").check(arn)
    assert found["outcome"] == "Refused"
    assert complaint in found["reason"]
    assert scene.ledger.entries("approval.skipped") == []


def test_a_skip_counts_for_the_act_that_asks_for_it_only(scene: Scene) -> None:
    """The package keeps the property; a later approval does not."""
    arn = scene.register().arn
    scene.registry.approve(arn, BOB, skips=("staging",), reason="hurry")
    scene.registry.reject(arn, "not like this")
    scene.registry.approve(arn, ANN, at=scene.registry.describe(arn).created + timedelta(hours=1))
    found = PromotionRun(scene, "calm").check(arn)
    assert (found["outcome"], found["skips"]) == ("Approved", [])
