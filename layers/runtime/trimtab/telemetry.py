"""Names of what Trimtab measures: one enum that functions emit by, alarms watch and dashboards draw."""

from enum import StrEnum

NAMESPACE = "Trimtab"


class Metric(StrEnum):
    """A CloudWatch metric in the namespace ``Trimtab``; every one carries the dimension Model."""

    PSI = "Psi"
    """Population stability index of one column in one window; extra dimension Column."""
    PSI_MAX = "PsiMax"
    """Largest PSI among the monitored columns of a window."""
    PSI_PREDICTION = "PsiPrediction"
    """PSI of the scores against the scores at evaluation."""
    ROWS_MEASURED = "RowsMeasured"
    READING = "Reading"
    """1 for every window that was measured; its absence rings the dead-man alarm."""
    QUALITY = "Quality"
    """Performance on joined truth; extra dimension Metric, for example auc."""
    QUALITY_DROP = "QualityDrop"
    """How far the spec's quality metric lies below its value at evaluation; negative when above."""
    DROPS_ACCEPTED = "DropsAccepted"
    DROPS_QUARANTINED = "DropsQuarantined"
    RETRAINS_STARTED = "RetrainsStarted"
    RETRAINS_SUPPRESSED = "RetrainsSuppressed"
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
