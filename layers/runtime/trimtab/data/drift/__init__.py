"""How far a table has moved from a reference profile; one statistic per module."""

from trimtab.data.drift.compare import ColumnDrift, compare

__all__ = ["ColumnDrift", "compare"]
