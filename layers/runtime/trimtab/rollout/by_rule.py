"""May a version be approved without a person? What the spec's rule asks, and what was measured. Off by default."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.gates.comparison import advantage
from trimtab.evaluation.gates.reading import at as part
from trimtab.evaluation.gates.reading import number
from trimtab.ledger.kinds import APPROVAL_AUTOMATIC
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger, ModelRegistry, Notifier, Package
from trimtab.rollout.approval import SUBMITTED_BY
from trimtab.spec.approval import AutoApproval

"""Kind of the entry that says what the rule made of a version, and who turned it if it was approved."""
ACTOR = "approve_candidate"
MACHINE = "training:"
"""How the submitter of a version begins that no person asked for."""


@dataclass(frozen=True)
class Condition:
    """One thing that the rule asks, and what was found."""

    question: str
    answer: str
    passed: bool


def conditions(
    rule: AutoApproval,
    judgement: Mapping[str, Any],
    report: Mapping[str, Any],
    primary: str,
    *,
    submitter: str,
    is_current: bool,
) -> Iterator[Condition]:
    """Every condition, also after one that is not met. ``is_current``: it was compared with the version that serves."""
    yield _machine(submitter)
    whole = judgement.get("passed") is True and judgement.get("outcome") == "pass"
    yield Condition("Did it pass every gate?", "yes" if whole else f"no: {judgement.get('outcome')}", whole)
    for name in rule.gates:
        yield _gate(name, judgement)
    said = "yes" if is_current else "no: another version serves now, or none did then"
    yield Condition("Was it compared with the version that serves?", said, is_current)
    found = advantage(part(report, "paired", "champion", primary), higher=HIGHER_IS_BETTER.get(primary, True))
    yield _within(f"the change of {primary}", None if found is None else found.value, rule.max_metric_change)
    moved = number(part(report, "champion", "change"))
    yield _within("the change of its predictions", moved, rule.max_prediction_change)


def _machine(submitter: str) -> Condition:
    is_machine = submitter.startswith(MACHINE)
    said = (
        "yes" if is_machine else f"no: {submitter or 'somebody unknown'} submitted it, and another person approves it"
    )
    return Condition("Was it trained without anybody asking for it?", said, is_machine)


def _gate(name: str, judgement: Mapping[str, Any]) -> Condition:
    """All gates of the name, and at least one; each passed by a measured number."""
    question = f"Did the gate {name} pass by what it measured?"
    gates = [gate for gate in judgement.get("gates", ()) if f"{gate['name']} ".startswith(f"{name} ")]
    if not gates:
        return Condition(question, "no: the judgement has no such gate", False)
    for gate in gates:
        if gate["outcome"] != "pass" or gate.get("accepted_risk") or number(gate.get("value")) is None:
            why = "its risk was accepted" if gate.get("accepted_risk") else gate["message"]
            return Condition(question, f"no: {gate['name']}: {why}"[:500], False)
    return Condition(question, f"yes: {'; '.join(gate['message'] for gate in gates)}"[:500], True)


def _within(what: str, value: float | None, limit: float) -> Condition:
    question = f"Is {what} at most {limit:g}?"
    if value is None:
        return Condition(question, "no: it was not measured", False)
    passed = abs(value) <= limit
    return Condition(question, f"{'yes' if passed else 'no'}: {value:+.4f}", passed)


class Switch(Protocol):
    """Turns the status of a package."""

    @property
    def identity(self) -> str:
        """ARN under which the audit trail will know this act."""
        ...

    def approve(self, package_arn: str, reason: str) -> None: ...


@dataclass(frozen=True)
class ByRule:
    """The rule applied to one candidate, once; a retry goes on where the first attempt was cut off."""

    rule: AutoApproval
    at: datetime
    ledger: Ledger
    registry: ModelRegistry
    switch: Switch
    notifier: Notifier

    def decide(self, package_arn: str, run: str, found: list[Condition]) -> dict[str, Any]:
        """The ledger has every condition. One that keeps to all is Approved, and people are told how to stop it."""
        package = self.registry.describe(package_arn)
        earlier = decided(self.ledger, APPROVAL_AUTOMATIC, run)
        said = dict(earlier) if earlier else self._write(package, run, found)
        if said["approved"] and package.status == "PendingManualApproval":
            self._tell(package)
            self.switch.approve(package.arn, f"by rule (approval.auto): run {run}")
        return {"approved": said["approved"], "reason": said["reason"]}

    def _write(self, package: Package, run: str, found: list[Condition]) -> dict[str, Any]:
        """Before the act, so that nothing is approved of which the ledger does not know why."""
        against = [condition.answer for condition in found if not condition.passed]
        reason = "; ".join(against) or f"all {len(found)} conditions of approval.auto hold"
        outcome = "waits for a person" if against else "is approved by rule"
        data = {
            "approved": not against,
            "reason": reason,
            "package_arn": package.arn,
            "version": package.version,
            "conditions": [asdict(condition) for condition in found],
            "by": self.switch.identity,
            "summary": f"version {package.version} {outcome}: {reason}",
        }
        self.ledger.append(APPROVAL_AUTOMATIC, run, data, self.at, ACTOR)
        return data

    def _tell(self, package: Package) -> None:
        self.notifier.send(
            f"version {package.version} is approved by rule",
            f"Version {package.version} keeps to approval.auto, and its rollout begins without a person.",
            "Every condition, with what was measured, is in the ledger (approval.automatic).",
            f'To stop it: trimtab reject {self.ledger.model} {package.version} --reason "..."; a rollout goes back.',
        )


def submitter_of(package: Package) -> str:
    """Who asked for the version: a run's own name where nobody did."""
    return package.properties.get(SUBMITTED_BY, "")


def is_by_rule(ledger: Ledger, package: Package, caller_arn: str) -> bool:
    """Whether the act of ``caller_arn`` on the package was the rule's, by what the ledger said before it."""
    entries = [entry.data for entry in ledger.entries(APPROVAL_AUTOMATIC) if entry.data["package_arn"] == package.arn]
    return any(data["approved"] and data["by"] == caller_arn for data in entries)
