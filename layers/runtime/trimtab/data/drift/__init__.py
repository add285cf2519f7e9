"""How far a table has moved from a reference profile, one statistic per module; and by which rules that is drift."""

from trimtab.data.drift.compare import TESTS, ColumnDrift, Judgement, compare
from trimtab.data.drift.rules import ALPHA, PSI_LIMIT, DriftRules, Rule

__all__ = ["ALPHA", "PSI_LIMIT", "TESTS", "ColumnDrift", "DriftRules", "Judgement", "Rule", "compare"]
