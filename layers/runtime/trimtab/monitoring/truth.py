"""Truth that came late, joined to the records of earlier windows by id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.monitoring.labels import Said, look_up
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


def with_labels(records: pa.Table, files: Sequence[Said], id_column: str, label_type: pa.DataType) -> pa.Table:
    """Records with the column ``_label``: what the newest of ``files`` says, else what an earlier join had found, else
    null.

    ``files`` are in order, newest first. Null too where the newest that speaks of an id contradicts itself, whatever
    was known before: the rule by which training reads truth.
    """
    labels, spoken = look_up(records.column(id_column), files, label_type)
    whole = pa.types.is_integer(label_type) or pa.types.is_boolean(label_type)
    known: Any = labels.cast(pa.int64()) if whole else labels
    if LABEL in records.column_names:
        earlier = records.column(LABEL).combine_chunks().cast(known.type)
        known = pc.if_else(pa.array(spoken), known, earlier)
        records = records.drop_columns([LABEL])
    return records.append_column(LABEL, known)
