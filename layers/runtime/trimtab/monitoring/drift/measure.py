"""A window held against a reference."""

from collections.abc import Mapping

from trimtab.data.drift import ColumnDrift, DriftRules, Rule, compare
from trimtab.data.drift.domain_classifier import separation
from trimtab.data.profile import NumberProfile, Profile
from trimtab.monitoring.drift.baseline import SCORE_COLUMN, Baseline
from trimtab.monitoring.drift.breaks import find_breaks
from trimtab.monitoring.drift.contract import allowed_share
from trimtab.monitoring.drift.observed import Observed
from trimtab.monitoring.drift.result import Drift
from trimtab.monitoring.drift.seasons import Reference
from trimtab.spec import Spec


def measure(
    observed: Observed,
    baseline: Baseline,
    spec: Spec,
    reference: Reference | None = None,
    previous: Profile | None = None,
) -> Drift:
    """Drift of the rows against the reference, the version's training rows when None, and of its scores.

    ``previous`` is the profile of the version's last window without a break: a break comes from one to the next.
    """
    against = reference or Reference(baseline.profile)
    if observed.rows < spec.monitoring.min_rows:
        return Drift(observed.rows, period=observed.period)
    rules = _rules(spec, against.usual)
    columns = tuple(rules.judge(compare(against.profile, observed.profile, spec.monitored)))
    return Drift(
        rows=observed.rows,
        columns=columns,
        prediction=_prediction(observed.scores, baseline.scores, spec.monitoring.prediction_psi_limit),
        separation=separation(against.profile.sample, observed.profile.sample, spec.monitored),
        weights=baseline.weights,
        breaks=find_breaks(observed.profile, against.profile, previous, spec),
        quality=[rule.measured(allowed_share(rule, spec.data)) for rule in observed.rules],
        reference=against.said,
        reference_reason=against.reason,
        usual=against.usual,
        period=observed.period,
    )


def _rules(spec: Spec, usual: Mapping[str, float]) -> DriftRules:
    """The spec's rules; a column that has differed more between earlier years is held to that instead."""
    rules = DriftRules.of(spec.monitoring)
    wider = {name: Rule("psi", psi) for name, psi in usual.items() if psi > rules.psi_limit and name not in rules.own}
    return DriftRules(rules.psi_limit, {**rules.own, **wider}, rules.columns)


def _prediction(scores: NumberProfile, baseline: Profile, psi_limit: float) -> ColumnDrift | None:
    drift = compare(baseline, Profile(scores.rows, {SCORE_COLUMN: scores}), [SCORE_COLUMN])
    found = DriftRules(psi_limit).judge(drift)
    return found[0] if found else None
