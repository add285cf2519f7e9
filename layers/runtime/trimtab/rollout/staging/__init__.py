"""What a staging endpoint is asked before a version may see traffic, and what its answers must be."""

from trimtab.rollout.staging.checks import NO_ANSWER, THROTTLED, Check, Probe, Send
from trimtab.rollout.staging.golden import Golden, lines, read_golden
from trimtab.rollout.staging.load import percentile
from trimtab.rollout.staging.run import Demands, run_checks

__all__ = [
    "NO_ANSWER",
    "THROTTLED",
    "Check",
    "Demands",
    "Golden",
    "Probe",
    "Send",
    "lines",
    "percentile",
    "read_golden",
    "run_checks",
]
