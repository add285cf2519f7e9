"""A window read in one pass, however large: exact counts, and of very many rows a sample to measure on."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trimtab.measures import BINARY
from trimtab.monitoring.answered import MOST_ROWS, answered_by, with_truth
from trimtab.monitoring.bias import Tally, tally
from trimtab.monitoring.losses import kept
from trimtab.monitoring.records import EVENT, LABEL, SCORE, SCORES, TIME, VERSION
from trimtab.monitoring.reference import Reference
from trimtab.monitoring.tables import record_batches
from trimtab.monitoring.usable import usable
from trimtab.ports import ObjectStore
from trimtab.spec import Spec

ENOUGH = 50_000
"""Records without truth that are kept at least of a large window."""
_OWN = (EVENT, TIME, SCORE, SCORES, VERSION, LABEL)


@dataclass
class Seen:
    """What one version has answered in a window."""

    records: pa.Table
    """All of it, or all with truth and a sample of the others, each about MOST_ROWS at most; the columns that
    performance is measured by."""
    losing: pa.Table
    """Records of all versions whose losses are kept."""
    tally: Tally = field(default_factory=Tally)
    rows: int = 0
    labelled: int = 0
    positives: int = 0
    unusable: int = 0
    """Answers that are no scores."""


@dataclass(frozen=True)
class Windows:
    """Reads windows of one model."""

    spec: Spec
    objects: ObjectStore

    def read(self, window: str, uri: str, rows: int, version: int, reference: Reference) -> Seen:
        """The window's table at ``uri``, in which ``version`` has answered about ``rows`` rows."""
        names = self._columns(uri, reference)
        choose = self._chooser(rows, self._labelled(uri, version) if LABEL in names else 0)
        found: Seen | None = None
        taken: list[pa.Table] = []
        for batch in record_batches(self.objects, uri, names):
            mine = answered_by(batch, version)
            taken.append(choose(mine))
            found = self._added(found, window, batch, mine, reference.threshold)
        assert found is not None, "a stored window has at least one row group"
        found.records = pa.concat_tables(taken)
        return found

    def _labelled(self, uri: str, version: int) -> int:
        """Records of the version whose truth is known."""
        batches = record_batches(self.objects, uri, [VERSION, LABEL])
        return sum(with_truth(answered_by(batch, version)).num_rows for batch in batches)

    def _chooser(self, rows: int, labelled: int) -> Callable[[pa.Table], pa.Table]:
        """Keeps about MOST_ROWS, the same rows of the same window every time: labels are few, and come first.

        Of the others so many are kept as there is room for, and always enough to tell whether labels were selected.
        """
        generator = np.random.default_rng([self.spec.training.seed, 13])
        room = max(MOST_ROWS - labelled, ENOUGH)
        share, others = _share(MOST_ROWS, labelled), _share(room, rows - labelled)

        def choose(table: pa.Table) -> pa.Table:
            if share >= 1 and others >= 1:
                return table
            known = np.zeros(table.num_rows, np.bool_)
            if LABEL in table.column_names:
                known = np.asarray(table.column(LABEL).is_valid())
            return table.filter(pa.array(generator.random(table.num_rows) < np.where(known, share, others)))

        return choose

    def _added(self, found: Seen | None, window: str, batch: pa.Table, mine: pa.Table, threshold: float) -> Seen:
        known = with_truth(mine)
        counted = tally(window, mine, threshold, self.spec)
        losses = with_truth(usable(batch, self.spec))
        losing = kept(losses) if found is None else kept(pa.concat_tables([found.losing, losses]))
        unusable = mine.num_rows - usable(mine, self.spec).num_rows
        positives = int(pc.sum(known.column(LABEL)).as_py() or 0) if self._is_binary(known) else 0
        if found is None:
            return Seen(mine.slice(0, 0), losing, counted, mine.num_rows, known.num_rows, positives, unusable)
        both = Tally(0, windows=()).added(found.tally).added(counted)
        return Seen(
            records=found.records,
            losing=losing,
            tally=Tally(both.rows, both.counts, both.problems, (window,)),
            rows=found.rows + mine.num_rows,
            labelled=found.labelled + known.num_rows,
            positives=found.positives + positives,
            unusable=found.unusable + unusable,
        )

    def _is_binary(self, known: pa.Table) -> bool:
        return self.spec.problem == BINARY and LABEL in known.column_names

    def _columns(self, uri: str, reference: Reference) -> list[str]:
        """Columns that performance is measured by, of those that the file has."""
        with self.objects.open(uri) as source:
            there = set(pq.read_schema(source).names)
        data = self.spec.data
        timed = (data.event_time,) if data.event_time else ()
        cut = [column for each in reference.slices for column in each["columns"]]
        wanted = dict.fromkeys([*_OWN, *timed, *self.spec.protected, *cut])
        return [name for name in wanted if name in there]


def _share(most: int, rows: int) -> float:
    """Share of rows that are kept so that they are about ``most``."""
    return most / rows if rows > most else 1.0
