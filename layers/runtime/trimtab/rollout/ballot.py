"""Counting who approved a version, and writing it down."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from trimtab.errors import ApproverUnknown
from trimtab.ledger.kinds import APPROVAL_SKIPPED, APPROVAL_VOTED
from trimtab.ports import Ledger, MetricsSink, ModelRegistry, Notifier, Package
from trimtab.rollout.approval import SUBMITTED_BY
from trimtab.rollout.by_rule import is_by_rule
from trimtab.rollout.votes import SKIPS, AuditTrail, Caller, StatusChange, Votes, is_told, tally
from trimtab.spec.approval import ApprovalSpec
from trimtab.telemetry import Metric

Source = Literal["cloudtrail", "registry"]


@dataclass(frozen=True)
class Ballot:
    """The approvals of one package; ``id`` is the execution that asks, ``source`` who is believed about people."""

    id: str
    at: datetime
    approval: ApprovalSpec
    ledger: Ledger
    registry: ModelRegistry
    trail: AuditTrail
    notifier: Notifier
    metrics: MetricsSink
    source: Source
    actor: str

    def count(self, package: Package) -> Votes:
        """The votes, every one that counts in the ledger once.

        Raises ApproverUnknown while CloudTrail is behind, unless the registry is to be believed instead; and
        TrailNotRead while CloudTrail's events have not all been read, whoever is to be believed.
        """
        changes = self.trail.changes(package, self.at)
        if not is_told(changes, package):
            if self.source == "cloudtrail":
                raise ApproverUnknown(f"CloudTrail does not show yet who turned version {package.version} to Approved")
            changes = []
        submitter = package.properties.get(SUBMITTED_BY, "")
        votes = tally(changes, submitter, self.approval, self.at, _by_the_registry(package, self.at))
        votes = self._without_a_rule(package, votes)
        for number, vote in enumerate(votes.counted, start=1):
            self._write(package, vote, number)
        return votes

    def is_by_rule(self, package: Package, votes: Votes) -> bool:
        """Whether the vote that counts is nobody's but the rule's."""
        return bool(votes.counted) and all(is_by_rule(self.ledger, package, vote.by.arn) for vote in votes.counted)

    def _without_a_rule(self, package: Package, votes: Votes) -> Votes:
        """Where the spec has no rule any more, what a rule approved is approved by nobody."""
        if self.approval.auto is not None:
            return votes
        people = tuple(vote for vote in votes.counted if not is_by_rule(self.ledger, package, vote.by.arn))
        if len(people) == len(votes.counted):
            return votes
        reason = "it was approved by rule, and the spec has no approval.auto: a person has to approve"
        return replace(votes, counted=people, uncounted=(*votes.uncounted, reason))

    def _write(self, package: Package, vote: StatusChange, number: int) -> None:
        """Once for each vote: a later count finds the earlier entries."""
        if any(entry.data["event"] == vote.id for entry in self.ledger.entries(APPROVAL_VOTED)):
            return
        data = {
            "package_arn": package.arn,
            "version": package.version,
            "by": vote.by.person,
            "caller": vote.by.arn,
            "reason": vote.reason,
            "at": vote.at.isoformat(),
            "event": vote.id,
            "source": self.source,
            "automatic": is_by_rule(self.ledger, package, vote.by.arn),
            "number": number,
            "needed": self.approval.approvers,
            "summary": f"{vote.by.person or 'somebody unknown'} approved version {package.version} "
            f"({number} of {self.approval.approvers}){f': {vote.reason}' if vote.reason else ''}",
        }
        self.ledger.append(APPROVAL_VOTED, self.id, data, self.at, self.actor)

    def reopen(self, package: Package, votes: Votes) -> str:
        """The package waits for approval again, people know why; returns the reason in words."""
        given = f"{len(votes.counted)} of {self.approval.approvers} approvals"
        by = f" by {', '.join(votes.people)}" if votes.counted else ""
        reason = "; ".join([f"{given}{by}", *votes.uncounted])
        self.registry.reopen(package.arn, reason)
        if votes.counted:
            self.notifier.send(
                f"version {package.version} needs another approval",
                f"Version {package.version} has {given}; its status is PendingManualApproval again.",
                reason,
                f"Another person approves it: trimtab approve {self.ledger.model} {package.version} --reason ...",
            )
        return reason

    def objection_to_skipping(self, votes: Votes) -> str:
        """Why the emergency that the approval claims is not one; empty when it is, or none is claimed."""
        unknown = [word for word in votes.act.skips if word not in SKIPS]
        if unknown:
            return f"it asks to skip {', '.join(unknown)}; what may be skipped is {' and '.join(SKIPS)}"
        if votes.act.skips and not votes.act.reason.strip():
            return "it skips checks without a reason: approve it again with one (ApprovalDescription, --reason)"
        return ""

    def mark_skipping(self, package: Package, votes: Votes) -> None:
        """Ledger, people and metric tell, once, that checks are left out, by whom and why."""
        if not votes.act.skips or self.ledger.entries(APPROVAL_SKIPPED, self.id):
            return
        what, who = " and ".join(votes.act.skips), votes.act.by.person
        self.metrics.put(Metric.APPROVALS_SKIPPING, 1)
        self.notifier.send(
            f"version {package.version} skips {what}",
            f"{who} approved version {package.version} in an emergency: {what} will be skipped.",
            votes.act.reason,
            "Watch the rollout; to stop it, reject the version.",
        )
        data = {
            "package_arn": package.arn,
            "version": package.version,
            "skips": list(votes.act.skips),
            "by": who,
            "reason": votes.act.reason,
            "event": votes.act.id,
            "summary": f"{who} lets version {package.version} skip {what}: {votes.act.reason}",
        }
        self.ledger.append(APPROVAL_SKIPPED, self.id, data, self.at, self.actor)


def _by_the_registry(package: Package, at: datetime) -> StatusChange:
    """What the registry itself remembers: whoever changed the package last."""
    moment = package.modified or at
    caller = Caller(package.approved_by or "")
    return StatusChange(f"{package.arn}@{moment.isoformat()}", "Approved", caller, moment, package.description)
