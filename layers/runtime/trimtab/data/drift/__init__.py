"""How far a table has moved from a reference profile; one statistic per module."""

from trimtab.data.drift.compare import ALPHA, STATISTICS, ColumnDrift, compare

__all__ = ["ALPHA", "STATISTICS", "ColumnDrift", "compare"]
