"""Errors: more than the old fleet's in the same minutes, and more than the limit."""

from dataclasses import dataclass
from datetime import datetime

from trimtab.evaluation.proportions import Share, difference, wilson
from trimtab.rollout.judge.checking import Case, Rule
from trimtab.rollout.judge.evidence import FleetEvidence
from trimtab.rollout.judge.minutes import Counts, counts, in_minute, shared
from trimtab.rollout.judge.sequential import e_value, log_e_above, log_e_more_errors
from trimtab.rollout.judge.verdict import Check

_CONFIDENCE = 0.95
_SURE = 0.999
"""Confidence of the bound that stands for an old fleet that is not asked any more."""


def check_errors(case: Case, rule: Rule) -> Check | None:
    """Fails when the new fleet errs more often than the old one, and by more than the spec allows.

    Requests that break both fleets alike fail nobody: minutes are compared one by one. None without an old fleet.
    """
    old = case.evidence.old
    if old is None:
        return None
    if not case.evidence.side_by_side:
        return _against_the_hour_before(case, rule, old)
    minutes = shared(case.span, case.evidence.new, old)
    log_e = log_e_more_errors([(*_errors_first(case.evidence.new, m), *_errors_first(old, m)) for m in minutes])
    found = _Excess(counts(case.evidence.new, minutes), counts(old, minutes), e_value(log_e), "old")
    return found.check(case, rule)


def _errors_first(fleet: FleetEvidence, minute: datetime) -> tuple[int, int]:
    requests, errors = in_minute(fleet, minute)
    return errors, requests


def _against_the_hour_before(case: Case, rule: Rule, old: FleetEvidence) -> Check | None:
    """The old fleet's share is known only up to chance, so its upper bound is what must be exceeded.

    None when it was hardly asked in that hour: nothing that comes now would change that.
    """
    then = counts(old, [minute for minute in old.requests if minute < case.span.since])
    if then.requests < case.rollout.min_requests:
        return None
    now = counts(case.evidence.new, case.span.within(case.evidence.new.requests))
    bound = wilson(Share(then.errors, then.requests), _SURE)[1]
    evidence = e_value(log_e_above(now.errors, now.requests, bound)) if 0 < bound < 1 else 0.0
    return _Excess(now, then, evidence, "before").check(case, rule)


@dataclass(frozen=True)
class _Excess:
    """How much more often the new fleet errs."""

    new: Counts
    old: Counts
    e_value: float
    compare: str

    def check(self, case: Case, rule: Rule) -> Check:
        limit = excess_limit(case)
        value, low, high = difference(_share(self.new), _share(self.old), _CONFIDENCE)
        figures = {
            "compare": self.compare,
            "value": value if self.new.requests and self.old.requests else None,
            "interval": (low, high) if self.new.requests and self.old.requests else None,
            "limit": limit,
            "unit": "share of requests",
            "n_new": self.new.requests,
            "n_old": self.old.requests,
            "e_value": self.e_value,
        }
        said = f"{_said(self.new, 'new')}, {_said(self.old, 'old')} {_when(self.compare)}"
        if self.e_value >= 1 / rule.alpha and value > limit:
            return rule.check("fail", f"{said}: more than {limit:.2%} above, and no accident", **figures)
        least = case.rollout.min_requests
        if min(self.new.requests, self.old.requests) < least:
            return rule.check("inconclusive", f"{said}: {least} of each are needed", **figures)
        return rule.check("pass", f"{said}: no evidence that the new fleet errs more", **figures)


def _when(compare: str) -> str:
    return "in the same minutes" if compare == "old" else "in the hour before"


def excess_limit(case: Case) -> float:
    """Share of 5xx that is allowed beyond the old fleet's."""
    return case.rollout.judge.max_error_excess or case.rollout.max_error_share / 2


def check_error_limit(case: Case, rule: Rule) -> Check:
    """Fails when the new fleet errs above the absolute limit, unless the old one did so too in the same minutes."""
    limit, least = case.rollout.max_error_share, case.rollout.min_requests
    new = counts(case.evidence.new, case.span.within(case.evidence.new.requests))
    evidence = e_value(log_e_above(new.errors, new.requests, limit))
    figures = {
        "compare": "limit",
        "value": new.share if new.requests else None,
        "interval": wilson(_share(new), _CONFIDENCE) if new.requests else None,
        "limit": limit,
        "unit": "share of requests",
        "n_new": new.requests,
        "e_value": evidence,
    }
    said = _said(new, "new")
    if new.share > limit and evidence >= 1 / rule.alpha:
        if alike := _old_too(case, limit):
            return rule.check("pass", f"{said}: above {limit:.2%}, but so is {alike}", **figures)
        return rule.check("fail", f"{said}: above {limit:.2%}, and no accident", **figures)
    if new.requests < least:
        return rule.check("inconclusive", f"{said}: {least} are needed", **figures)
    return rule.check("pass", f"{said}: no evidence of more than {limit:.2%}", **figures)


def _old_too(case: Case, limit: float) -> str:
    """The old fleet's figures when it was above the limit in the same minutes, too; empty when it was not."""
    old = case.evidence.old
    if old is None or not case.evidence.side_by_side:
        return ""
    found = counts(old, shared(case.span, case.evidence.new, old))
    enough = found.requests >= case.rollout.min_requests and found.share > limit
    return _said(found, "old") if enough else ""


def _share(found: Counts) -> Share:
    return Share(found.errors, found.requests)


def _said(found: Counts, which: str) -> str:
    return f"{which} fleet {found.errors} of {found.requests} with 5xx ({found.share:.2%})"
