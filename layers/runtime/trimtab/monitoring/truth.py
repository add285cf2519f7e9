"""Truth that came late, joined to the records of earlier windows by id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.datasets.truth import Truth
from trimtab.monitoring.records import LABEL
from trimtab.ports import Entry


@dataclass(frozen=True)
class Progress:
    """Up to which entry of the ledger windows have met the truth."""

    through: int = 0
    """A window collected since this sequence number has met no truth file; an older one all files up to it."""
    behind: Mapping[str, int] = field(default_factory=dict)
    """Windows that had to wait, and the sequence number up to which they have met the files."""

    @classmethod
    def of(cls, state: Mapping[str, Any] | None) -> "Progress":
        """The progress in the ledger's state."""
        return cls(int(state["through"]), dict(state["behind"])) if state else cls()

    def to_json(self) -> dict[str, Any]:
        """The form in which the ledger keeps it."""
        return {"through": self.through, "behind": dict(self.behind)}

    def mark(self, window: Entry) -> int:
        """Sequence number up to which ``window`` has met the files."""
        return self.behind.get(window.subject, self.through if window.seq <= self.through else 0)


@dataclass(frozen=True)
class Pairing:
    """Which truth files a window has not met yet."""

    window: Entry
    files: tuple[Entry, ...]


def pairings(
    windows: Iterable[Entry], files: Sequence[Entry], progress: Progress, at: datetime, days: float
) -> list[Pairing]:
    """Windows collected within ``days`` before ``at`` that some truth file of that time is new to, oldest first."""
    earliest = at - timedelta(days=days)
    recent = [file for file in files if file.at >= earliest]
    found = []
    for window in windows:
        unmet = tuple(file for file in recent if file.seq > progress.mark(window))
        if window.at >= earliest and unmet and int(window.data["rows"]) > 0:
            found.append(Pairing(window, unmet))
    return found


def with_labels(records: pa.Table, truth: Truth, id_column: str) -> pa.Table:
    """Records with the column ``_label``: what ``truth`` says, else what an earlier join had found, else null.

    Null too where ``truth`` contradicts itself, whatever was known before: the rule by which training reads truth.
    """
    labels, _ = truth.look_up(records.column(id_column))
    whole = pa.types.is_integer(labels.type) or pa.types.is_boolean(labels.type)
    known: Any = labels.cast(pa.int64()) if whole else labels
    if LABEL in records.column_names:
        doubtful = truth.contradicted(records.column(id_column))
        earlier = records.column(LABEL).combine_chunks().cast(known.type)
        known = pc.coalesce(known, pc.if_else(doubtful, pa.scalar(None, known.type), earlier))
        records = records.drop_columns([LABEL])
    return records.append_column(LABEL, known)


@dataclass
class Meeting:
    """Truth files that meet windows together, and which of their ids were in one of them."""

    truth: Truth
    matched: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.matched = np.zeros(len(self.truth.ids), np.bool_)

    def labelled(self, records: pa.Table, id_column: str) -> pa.Table:
        """The records with their labels."""
        places = pc.index_in(records.column(id_column), value_set=self.truth.ids).drop_null()
        self.matched[places.to_numpy()] = True
        return with_labels(records, self.truth, id_column)

    @property
    def found(self) -> pa.Array:
        """The ids that were in a window."""
        return self.truth.ids.filter(pa.array(self.matched))


def account(table: pa.Table, found: pa.Array) -> dict[str, int]:
    """Of a truth file's labelled rows (id, label): how many ids it has, and how many of them are not in ``found``;
    how many rows say the same of one again, and of how many ids it says several things.
    """
    said = table.filter(pc.is_valid(table.column(1)))
    once = said.group_by(said.column_names, use_threads=False).aggregate([])
    ids = pc.unique(once.column(0)).cast(found.type)
    known = pc.sum(pc.is_in(ids, value_set=found)).as_py() or 0
    counts = once.group_by(said.column_names[:1], use_threads=False).aggregate([([], "count_all")])
    several = pc.sum(pc.greater(counts.column("count_all"), 1)).as_py() or 0
    repeated = said.num_rows - once.num_rows
    return {"ids": len(ids), "unknown": len(ids) - known, "repeated": repeated, "contradictory": int(several)}
