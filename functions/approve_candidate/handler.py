"""Approves a candidate by the spec's rule, where there is one; called by the training machine."""

import json
from typing import Any

from trimtab.aws.package_switch import PackageSwitch
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Dataset, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import SpecError
from trimtab.ledger.kinds import CANDIDATE_JUDGED
from trimtab.ledger.lookup import decided
from trimtab.ports import ModelRegistry
from trimtab.rollout.by_rule import ByRule, Condition, Switch, conditions, submitter_of
from trimtab.spec.approval import AutoApproval


class ApproveCandidateEvent(Event):
    """A version that waits for approval."""

    run: str
    package_arn: str
    dataset: Dataset


@entrypoint(ApproveCandidateEvent)
def handler(event: ApproveCandidateEvent, runtime: Runtime) -> dict[str, Any]:
    """The version is Approved, or waits for a person; the ledger has every condition."""
    return approve(event, runtime, SageMakerRegistry.connect(), PackageSwitch.connect())


def approve(event: ApproveCandidateEvent, runtime: Runtime, registry: ModelRegistry, switch: Switch) -> dict[str, Any]:
    """The same answer to every retry."""
    rule = runtime.spec.approval.auto
    if rule is None:
        raise SpecError("model.yaml has no approval.auto any more: deploy the model again")
    by_rule = ByRule(rule, event.at, runtime.ledger, registry, switch, runtime.notifier)
    return by_rule.decide(event.package_arn, event.run, _found(event, rule, runtime, registry))


def _found(
    event: ApproveCandidateEvent, rule: AutoApproval, runtime: Runtime, registry: ModelRegistry
) -> list[Condition]:
    """By what the ledger and the report say, not by what the machine carries."""
    judged = decided(runtime.ledger, CANDIDATE_JUDGED, event.run) or {}
    body = runtime.objects.read(runtime.artifact("runs", event.run, "evaluation", "evaluation.json"))
    serving, compared = runtime.ledger.state("champion"), event.dataset.champion
    is_current = bool(serving and compared and int(serving["version"]) == compared.version)
    submitter = submitter_of(registry.describe(event.package_arn))
    primary = runtime.spec.evaluation.primary
    return list(conditions(rule, judged, json.loads(body), primary, submitter=submitter, is_current=is_current))
