"""Whose approval counts: one vote a person, none for who submitted, none from before a rejection."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes import NOON
from trimtab.ports import Package
from trimtab.rollout.votes import Caller, StatusChange, Votes, is_told, tally
from trimtab.spec.approval import ApprovalSpec

ANN = Caller("arn:aws:iam::1:user/ann")
BOB = Caller("arn:aws:iam::1:user/bob")
CLEO = Caller(
    "arn:aws:sts::1:assumed-role/AWSReservedSSO_ops_12ab/cleo", "arn:aws:iam::1:role/x/AWSReservedSSO_ops_12ab"
)
DAN = Caller("arn:aws:sts::1:assumed-role/AWSReservedSSO_ops_12ab/dan", "arn:aws:iam::1:role/x/AWSReservedSSO_ops_12ab")
MACHINE = Caller("arn:aws:sts::1:assumed-role/check/run", "arn:aws:iam::1:role/check")
NOBODY = StatusChange("registry", "Approved", Caller(""), NOON)
PACKAGE = Package("arn:p/3", "flights", 3, "Approved", "s3://a", "image", {}, NOON)


def role(session: str, source_identity: str = "") -> Caller:
    arn = f"arn:aws:sts::1:assumed-role/team/{session}"
    return Caller(arn, "arn:aws:iam::1:role/team", source_identity)


def history(*acts: tuple[str, Caller]) -> list[StatusChange]:
    return [
        StatusChange(f"e{number}", status, by, NOON + timedelta(minutes=number))
        for number, (status, by) in enumerate(acts, start=1)
    ]


def counted(*acts: tuple[str, Caller], at: datetime = NOON + timedelta(hours=1), **spec: Any) -> Votes:
    approval = ApprovalSpec.model_validate(spec)
    return tally(history(*acts), "arn:aws:iam::1:user/sue", approval, at, NOBODY)


def test_two_people_are_two_votes_with_the_machines_reopening_between_them() -> None:
    acts = (("Approved", ANN), ("PendingManualApproval", MACHINE), ("Approved", BOB))
    assert counted(*acts, approvers=2).people == (ANN.arn, BOB.arn)


def test_nobody_has_two_votes() -> None:
    acts = (("Approved", ANN), ("PendingManualApproval", MACHINE), ("Approved", ANN))
    assert counted(*acts, approvers=2).people == (ANN.arn,)


@pytest.mark.parametrize(
    ("first", "second", "people"),
    [
        (CLEO, DAN, 2),
        (role("one"), role("two"), 1),
        (role("one", "ann"), role("one", "bob"), 2),
        (role("one", "ann"), role("two", "ann"), 1),
    ],
)
def test_a_role_is_one_person_unless_aws_or_a_source_identity_names_them(
    first: Caller, second: Caller, people: int
) -> None:
    votes = counted(("Approved", first), ("PendingManualApproval", MACHINE), ("Approved", second), approvers=2)
    assert len(votes.counted) == people


def test_a_rejection_takes_all_votes_back() -> None:
    acts = (("Approved", ANN), ("Rejected", BOB), ("Approved", CLEO))
    assert counted(*acts, approvers=2).people == (CLEO.arn,)


def test_who_submitted_a_version_has_no_vote() -> None:
    votes = counted(("Approved", Caller("arn:aws:iam::1:user/sue")))
    assert votes.counted == ()
    assert votes.uncounted == ("arn:aws:iam::1:user/sue submitted it and approved it: another person has to approve",)


def test_another_session_of_the_submitters_role_has_no_vote() -> None:
    approval = ApprovalSpec()
    votes = tally(history(("Approved", role("two"))), role("one").arn, approval, NOON, NOBODY)
    assert "submitted it and approved it" in votes.uncounted[0]


def test_a_registration_as_approved_is_no_vote() -> None:
    born = replace(history(("Approved", ANN))[0], is_registration=True)
    votes = tally([born], "", ApprovalSpec(), NOON, NOBODY)
    assert votes.counted == ()
    assert "registered it as Approved" in votes.uncounted[0]


@pytest.mark.parametrize(
    ("patterns", "is_counted"),
    [
        (["arn:aws:iam::1:user/*"], False),
        (["arn:aws:iam::1:role/x/AWSReservedSSO_ops_*"], True),
        (["*/cleo"], True),
        (["*/dan"], False),
    ],
)
def test_only_listed_people_count(patterns: list[str], is_counted: bool) -> None:
    votes = counted(("Approved", CLEO), by=patterns)
    assert bool(votes.counted) is is_counted
    assert ("approval.by" in "".join(votes.uncounted)) is not is_counted


def test_a_vote_is_as_short_lived_as_an_evaluation() -> None:
    acts = (("Approved", ANN), ("PendingManualApproval", MACHINE), ("Approved", BOB))
    votes = counted(*acts, at=NOON + timedelta(days=30, minutes=2), approvers=2, expiry_days=30)
    assert votes.people == (BOB.arn,)
    assert "approval.expiry_days" in votes.uncounted[0]


@pytest.mark.parametrize("spec", [{"four_eyes": True}, {"by": ["*"]}, {"approvers": 2}])
def test_an_approver_whom_nobody_can_name_counts_only_where_nothing_depends_on_it(spec: dict[str, Any]) -> None:
    assert counted().people == ("",)
    assert counted(**spec).counted == ()


def test_the_act_is_the_latest_turn_to_approved_and_repeating_it_is_none() -> None:
    twice = counted(("Approved", ANN), ("Approved", BOB))
    assert twice.act.id == "e1"
    again = counted(("Approved", ANN), ("PendingManualApproval", ANN), ("Approved", ANN))
    assert again.act.id == "e3"


def test_the_trail_has_told_when_its_newest_change_is_the_packages() -> None:
    changes = history(("Approved", ANN))
    assert is_told(changes, replace(PACKAGE, modified=NOON + timedelta(minutes=1)))
    assert not is_told(changes, replace(PACKAGE, modified=NOON + timedelta(minutes=2)))
    assert not is_told([], PACKAGE)
    assert not is_told(history(("Rejected", ANN)), PACKAGE)
