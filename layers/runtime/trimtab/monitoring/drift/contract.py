"""How many values of a window broke the rules of data.columns: measured, as a request that was answered is no drop."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa

from trimtab.data.contract import Contract, data_contract
from trimtab.data.rules import value_rules
from trimtab.evaluation.proportions import Share, wilson
from trimtab.spec import Column, DataSpec

MISSING, NOT_NULL = "missing", "not_null"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class RuleCount:
    """Rows of a window that break one rule of one column."""

    column: str
    rule: str
    """``missing`` for a column that may have gaps, otherwise the contract's word."""
    limit: str
    """What is allowed, for people."""
    broken: int
    rows: int

    def merge(self, other: "RuleCount") -> "RuleCount":
        """The count over both sets of rows."""
        return replace(self, broken=self.broken + other.broken, rows=self.rows + other.rows)

    def measured(self, allowed: float) -> dict[str, Any]:
        """The share with its Wilson interval at 95 %; ``beyond`` when all of it lies above the share ``allowed``."""
        share = Share(self.broken, self.rows)
        low, high = wilson(share, CONFIDENCE)
        measured = {
            "share": share.value,
            "low": low,
            "high": high,
            "allowed": allowed,
            "beyond": self.broken > 0 and low > allowed,
        }
        return asdict(self) | measured


def count_rules(records: pa.Table, data: DataSpec) -> tuple[RuleCount, ...]:
    """Every rule of every column that a request may hold, as often as it was broken; the id is not looked at."""
    contract = data_contract(data)
    names = [name for name in _asked(data) if name in records.column_names]
    return tuple(count for name in names for count in _of_column(name, records.column(name), contract))


def merge_counts(left: Iterable[RuleCount], right: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    """The counts of two sets of rows together."""
    merged = {(count.column, count.rule): count for count in left}
    for count in right:
        key = (count.column, count.rule)
        merged[key] = merged[key].merge(count) if key in merged else count
    return tuple(merged.values())


def allowed_share(count: RuleCount, data: DataSpec) -> float:
    """Share of rows that a drop may have of this and pass its gate."""
    column = data.columns[count.column]
    if count.rule == MISSING:
        own = column.max_missing_share
        return own if own is not None else data.quality.max_missing_share
    return data.quality.max_violation_share


def _asked(data: DataSpec) -> tuple[str, ...]:
    return (*((data.event_time,) if data.event_time else ()), *data.features)


def _of_column(name: str, values: pa.ChunkedArray, contract: Contract) -> Iterator[RuleCount]:
    column = contract.columns[name]
    rows, whole = len(values), values.combine_chunks()
    if column.nullable:
        yield RuleCount(name, MISSING, "", int(values.null_count), rows)
    for rule in value_rules(name, _without_references(column), contract):
        yield RuleCount(name, rule.name, rule.limit, len(rule.broken(whole)), rows)


def _without_references(column: Column) -> Column:
    """Keys of other data sets are looked up when a drop comes, not for every request."""
    return column.model_copy(update={"references": None})
