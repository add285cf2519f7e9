"""Who approved a version: acts of people, as an audit trail tells them, and which of them count."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final, Protocol

from trimtab.ports import Package
from trimtab.spec.approval import ApprovalSpec

SKIP: Final = "trimtab-skip"
"""Property of a package that an emergency approval sets in the same request; IAM says who may."""
SKIPS: Final = ("staging", "gates")
_SESSION: Final = re.compile(r"arn:[\w-]+:sts::(\d+):assumed-role/([^/]+)/(.+)")
_NAMED_BY_AWS: Final = "AWSReservedSSO_"
"""Roles of IAM Identity Center, whose sessions AWS names after the person."""


@dataclass(frozen=True)
class Caller:
    """Who called an API."""

    arn: str
    """Of the user, or of the role's session."""
    role_arn: str = ""
    """The role of a session."""
    source_identity: str = ""
    """Who the person said to be when they assumed the role; it cannot be changed afterwards."""

    @property
    def person(self) -> str:
        """The name under which somebody has one vote.

        Whoever may assume a role may call the session as they like, so a role is one person, unless its sessions carry
        a source identity or are named by IAM Identity Center.
        """
        if self.source_identity:
            return self.source_identity
        session = _SESSION.fullmatch(self.arn)
        if session is None or session[2].startswith(_NAMED_BY_AWS):
            return self.arn
        return f"{session[1]}:role/{session[2]}"

    def is_same_as(self, other: "Caller") -> bool:
        """Whether both may be one person, for all that is known of them."""
        return bool(self.arn) and (self.arn == other.arn or self.person == other.person)

    def matches(self, patterns: Sequence[str]) -> bool:
        """Whether the list names the caller, by the user's, the session's or the role's ARN."""
        return any(fnmatchcase(name, pattern) for name in (self.arn, self.role_arn) if name for pattern in patterns)


@dataclass(frozen=True)
class StatusChange:
    """One call that changed a package."""

    id: str
    """The trail's own id of the event."""
    status: str
    """The approval status that was asked for; empty when the call was about something else."""
    by: Caller
    at: datetime
    reason: str = ""
    skips: tuple[str, ...] = ()
    """What the same call asked to leave out."""
    is_registration: bool = False


class AuditTrail(Protocol):
    """Knows who changed a package."""

    def changes(self, package: Package, at: datetime) -> list[StatusChange]:
        """The calls that took effect, oldest first. The newest may be missing for some minutes; ``at`` is now.

        Raises TrailNotRead rather than to leave out older ones.
        """
        ...


@dataclass(frozen=True)
class Votes:
    """Approvals since the last rejection."""

    act: StatusChange
    """The call that turned the package to Approved last."""
    counted: tuple[StatusChange, ...]
    """One a person, oldest first."""
    uncounted: tuple[str, ...] = ()
    """Why others do not count, one sentence each."""

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(change.by.person for change in self.counted)


def is_told(changes: Sequence[StatusChange], package: Package, slack: timedelta = timedelta(seconds=5)) -> bool:
    """Whether the trail has come to the package's latest change; its times have whole seconds."""
    turned = [change for change in changes if change.status]
    if not turned or turned[-1].status != package.status:
        return False
    return package.modified is None or changes[-1].at >= package.modified - slack


def tally(
    changes: Iterable[StatusChange], submitter: str, approval: ApprovalSpec, at: datetime, fallback: StatusChange
) -> Votes:
    """The votes that ``changes`` hold; without any act in them, ``fallback`` is the only one."""
    known = [change for change in changes if change.status]
    run = _since_the_last_rejection(known)
    acts = [change for change in run if change.status == "Approved"] or [fallback]
    counted: dict[str, StatusChange] = {}
    reasons: dict[str, None] = {}
    for change in acts:
        reason = _why_not(change, submitter, approval, at)
        if reason:
            reasons[reason] = None
        else:
            counted.setdefault(change.by.person, change)
    return Votes(_transition(run) or fallback, tuple(counted.values()), tuple(reasons))


def _since_the_last_rejection(changes: list[StatusChange]) -> list[StatusChange]:
    """Going back to PendingManualApproval keeps the votes: that is how a second person gets something to turn."""
    rejected = [index for index, change in enumerate(changes) if change.status == "Rejected"]
    return changes[rejected[-1] + 1 :] if rejected else changes


def _transition(changes: Sequence[StatusChange]) -> StatusChange | None:
    """The act that made the package Approved the last time; repeating it is no other act."""
    found, before = None, ""
    for change in changes:
        if change.status == "Approved" and before != "Approved":
            found = change
        before = change.status
    return found


def _why_not(change: StatusChange, submitter: str, approval: ApprovalSpec, at: datetime) -> str:
    """Empty for a vote that counts."""
    who = change.by.person or "somebody unknown"
    if change.is_registration:
        return f"{who} registered it as Approved: a version is approved after it was registered, by another person"
    if submitter and change.by.is_same_as(Caller(submitter)):
        return f"{who} submitted it and approved it: another person has to approve"
    if not change.by.arn and (approval.four_eyes or approval.by or approval.approvers > 1):
        return "nobody can say who approved it, and approval.four_eyes, by or approvers asks for that"
    if approval.by and not change.by.matches(approval.by):
        return f"{who} is not among those whose approval counts (approval.by)"
    if at - change.at > timedelta(days=approval.expiry_days):
        return f"{who} approved it on {change.at:%Y-%m-%d}, longer ago than approval.expiry_days"
    return ""
