"""Names of what Trimtab measures: one enum that functions emit by, alarms watch and dashboards draw."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the spec is read with packages that some who only name metrics do without
    from trimtab.spec.monitoring import MonitoringSpec
    from trimtab.spec.retraining import AlarmKind

NAMESPACE = "Trimtab"


class Metric(StrEnum):
    """A CloudWatch metric in the namespace ``Trimtab``; every one carries the dimension Model."""

    PSI = "Psi"
    """Population stability index of one column in one window; extra dimension Column."""
    PSI_MAX = "PsiMax"
    """Largest PSI among the monitored columns of a window."""
    PSI_WEIGHTED = "PsiWeighted"
    """Mean PSI of the monitored columns by how much the version leans on each; 0 when that may be chance."""
    SCHEMA_BREAKS = "SchemaBreaks"
    """Columns of a window that are gone, stuck, swapped, renamed or in another unit: broken, not moved."""
    UNREADABLE = "Unreadable"
    """Share of a window's captured requests that could not be read; 0 while they are fewer than five."""
    UNUSABLE = "Unusable"
    """Share of the newest window's answers that are no scores, so that no performance can be measured on them."""
    PSI_PREDICTION = "PsiPrediction"
    """PSI of the scores against the scores at evaluation."""
    ROWS_MEASURED = "RowsMeasured"
    READING = "Reading"
    """1 for every run that has judged a new window of the version that serves; its absence rings the dead-man alarm."""
    SILENT_HOURS = "SilentHours"
    """Hours since the last Reading, or since the version serves; put by every run where readings are further apart than
    CloudWatch looks back."""
    QUALITY = "Quality"
    """Performance on joined truth; extra dimension Metric, for example auc."""
    QUALITY_DROP = "QualityDrop"
    """How far the spec's quality metric lies below its value at evaluation, 0 when that may be chance; negative when
    above. Of the newest window whose truth has come."""
    TRUTH_COVERAGE = "TruthCoverage"
    """Share of the newest judged window's records whose truth is known."""
    TRUTH_MISSING = "TruthMissing"
    """Share of the records without truth in the newest window whose truth is due; only of a model whose spec says when
    truth comes."""
    QUALITY_ESTIMATE_DROP = "QualityEstimateDrop"
    """The same drop as QualityDrop, estimated from the scores before truth has come."""
    SLICE_DROP = "SliceDrop"
    """How far the worst declared slice has fallen beyond what the whole has lost; 0 when that may be chance."""
    BIAS_EXCESS = "BiasExcess"
    """The largest proven difference between groups that nobody has accepted, in multiples of its limit (of a ratio, how
    many times too small it is); 0 when none is proven."""
    CHANGE = "Change"
    """Evidence over all windows that a measure of the serving version has moved for good; detected at 1."""
    DAYS_TO_LIMIT = "DaysToLimit"
    """Days until the first of the trends crosses its limit; the horizon when none is foretold to."""
    COST_PER_DAY = "CostPerDay"
    """USD that the last 24 hours have cost by the dated table of prices: endpoint, watching, traffic and trainings."""
    DROPS_ACCEPTED = "DropsAccepted"
    DROPS_QUARANTINED = "DropsQuarantined"
    RETRAINS_STARTED = "RetrainsStarted"
    RETRAINS_SUPPRESSED = "RetrainsSuppressed"
    RETRAININGS_GIVEN_UP = "RetrainingsGivenUp"
    """1 while the model is trained no more before a person resumes; put only once that has ever happened."""
    DROPS_MISSING = "DropsMissing"
    """Drops of data that should have come and did not; only of a model whose spec says how often they come."""
    CANDIDATES_REGISTERED = "CandidatesRegistered"
    CANDIDATES_REFUSED = "CandidatesRefused"
    APPROVALS_SKIPPING = "ApprovalsSkipping"
    """1 for every approval that left out staging tests or manual gates in an emergency."""
    ROLLOUTS_SERVING = "RolloutsServing"
    ROLLOUTS_ROLLED_BACK = "RolloutsRolledBack"
    ROLLOUT_SHARE = "RolloutShare"
    """Share of the requests that the new version answers during a rollout, in per cent; one value for every look."""
    ROLLOUT_VERDICT = "RolloutVerdict"
    """What the judge says at a look: 1 pass, 0 inconclusive, -1 fail."""
    ROLLOUT_EVIDENCE = "RolloutEvidence"
    """How much speaks against the new version; a rule fails at 1. Extra dimension Rule."""
    ROLLBACKS = "Rollbacks"
    """1 for every return to an earlier version that somebody, or the watch after a rollout, has asked for."""
    RECONCILE_FINDINGS = "ReconcileFindings"
    """Disagreements between endpoint, registry and ledger at one look; 0 when they agree."""


MODEL_DIMENSION = "Model"
COLUMN_DIMENSION = "Column"
METRIC_DIMENSION = "Metric"
RULE_DIMENSION = "Rule"

WATCHES: Final[Mapping[AlarmKind, tuple[Metric, ...]]] = {
    "drift": (Metric.PSI_MAX, Metric.PSI_WEIGHTED),
    "prediction": (Metric.PSI_PREDICTION,),
    "quality": (Metric.QUALITY_DROP,),
    "estimate": (Metric.QUALITY_ESTIMATE_DROP,),
    "slice": (Metric.SLICE_DROP,),
    "bias": (Metric.BIAS_EXCESS,),
    "schema": (Metric.SCHEMA_BREAKS,),
    "change": (Metric.CHANGE,),
    "forecast": (Metric.DAYS_TO_LIMIT,),
}
"""What the alarms of a kind watch, with the dimension Model only: by it recovery knows what an alarm is about."""


def metric_of(kind: AlarmKind, watch: MonitoringSpec) -> Metric:
    """The metric that the spec's alarm of a kind is on; drift has one for any column, and one for those that matter."""
    return Metric.PSI_WEIGHTED if kind == "drift" and watch.drift_by == "importance" else WATCHES[kind][0]
