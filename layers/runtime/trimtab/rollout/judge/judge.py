"""All rules together."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from trimtab.rollout.judge.checking import Case, Rule, rules_of
from trimtab.rollout.judge.errors import check_error_limit, check_errors
from trimtab.rollout.judge.evidence import Evidence
from trimtab.rollout.judge.latency import check_latency
from trimtab.rollout.judge.minutes import Span
from trimtab.rollout.judge.own_metrics import check_metric
from trimtab.rollout.judge.pairs import Pairs
from trimtab.rollout.judge.scores import check_agreement, check_profile, check_scores
from trimtab.rollout.judge.truth import check_truth
from trimtab.rollout.judge.verdict import Check, Judgement, Outcome
from trimtab.spec.rollout import RolloutSpec

CHECKS: Final[Mapping[str, Callable[[Case, Rule], Check | None]]] = {
    "errors": check_errors,
    "error_limit": check_error_limit,
    "latency": check_latency,
    "scores": check_scores,
    "profile": check_profile,
    "truth": check_truth,
    "agreement": check_agreement,
}


def judge(evidence: Evidence, rollout: RolloutSpec, now: datetime, previous: Judgement | None = None) -> Judgement:
    """What all evidence since the rollout began says. ``previous`` only carries the counts of looks on.

    On fleets that are equal in every minute the chance that any look of a rollout fails is at most
    ``rollout.judge.alpha``. Anything that failed fails it; else a required rule without evidence makes it inconclusive.
    """
    case = Case(evidence, rollout, Span.of(evidence, now))
    unread = _in_a_row(evidence, previous)
    checks = tuple(found for rule in rules_of(rollout) if (found := _found(case, rule, unread)) is not None)
    outcome = _outcome(checks)
    return Judgement(
        outcome=outcome,
        message=_message(outcome, checks),
        checks=checks,
        window=case.span.window,
        look=previous.look + 1 if previous else 1,
        unread=unread,
        pairs=Pairs.of(evidence.answers),
    )


def _in_a_row(evidence: Evidence, previous: Judgement | None) -> dict[str, int]:
    before = (previous.unread if previous else None) or {}
    return {source: before.get(source, 0) + 1 for source in evidence.unread}


def _found(case: Case, rule: Rule, unread: Mapping[str, int]) -> Check | None:
    """A source that cannot be read is no fault of the new fleet, until what is required has lacked for too long."""
    source, limit = rule.source, case.rollout.judge.errors_limit
    if source not in unread:
        return CHECKS.get(rule.name, check_metric)(case, rule)
    said = f"{source} could not be read {unread[source]} times in a row: {case.evidence.unread[source]}"
    if rule.required and unread[source] > limit:
        return rule.check("fail", f"{said}; more than {limit} are too many to go on unseen")
    return rule.check("error", said)


def _outcome(checks: tuple[Check, ...]) -> Outcome:
    real = [check for check in checks if not check.dry_run]
    if any(check.outcome == "fail" for check in real):
        return "fail"
    if any(check.required and check.outcome in ("inconclusive", "error") for check in real):
        return "inconclusive"
    return "pass"


def _message(outcome: Outcome, checks: tuple[Check, ...]) -> str:
    """The findings that made the outcome; of those in dry run, the ones that would have failed."""
    wanted = {"fail": ("fail",), "inconclusive": ("inconclusive", "error"), "pass": ("pass", "error")}[outcome]
    said: dict[str, list[str]] = {}
    for check in checks:
        if check.outcome in wanted and not check.dry_run and (outcome != "inconclusive" or check.required):
            said.setdefault(check.message, []).append(check.rule)  # rules of one source say the same of its silence
    trial = [check for check in checks if check.dry_run and check.outcome == "fail"]
    findings = [f"{', '.join(rules)}: {message}" for message, rules in said.items()]
    return "; ".join([*findings, *(f"in dry run, {check.rule} would fail: {check.message}" for check in trial)])
