"""Accepted drops go into the feature group one after the other, a round of rows at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from trimtab.contracts import Message
from trimtab.datasets.assemble import Read
from trimtab.datasets.sources import DATA, Source, accepted
from trimtab.feature_store.port import FeatureStore
from trimtab.feature_store.records import texts_of
from trimtab.ledger.kinds import DROP_ACCEPTED, FEATURES_STORED
from trimtab.ports import Ledger
from trimtab.spec import Spec
from trimtab.spec.stored import stored_columns

ACTOR: Final = "store_features"
ROUND: Final = 20_000
"""Rows of a round: at 100 records a second, a fifth of what AWS was seen to take, it ends within four minutes."""


class Progress(Message):
    """How far the storing is; what the machine hands from one round to the next."""

    drop: int = 0
    """Place in the ledger of the drop that is being stored; 0 for none."""
    position: int = 0
    """Rows of it that have been looked at."""
    skipped: int = 0
    """Of these, rows without id or event time."""
    more: bool = True
    """Whether there may be another round."""


@dataclass(frozen=True)
class Storing:
    """Fills one feature group from a model's accepted drops."""

    spec: Spec
    ledger: Ledger
    store: FeatureStore
    read: Read
    group: str

    def advance(self, progress: Progress, at: datetime, rows: int = ROUND) -> Progress:
        """The next ``rows`` rows are in the store, in order of acceptance.

        A round that is repeated writes the same records again, which changes what neither store answers.
        """
        source = next(iter(self.waiting()), None)
        if source is None:
            return Progress(more=False)
        if source.seq != progress.drop:
            progress = Progress(drop=source.seq)
        taken = list(islice(self._rows(source), progress.position, progress.position + rows))
        records = [texts for row in taken if (texts := texts_of(row, self.spec, source.seq)) is not None]
        self.store.put(self.group, records)
        reached = Progress(
            drop=source.seq,
            position=progress.position + len(taken),
            skipped=progress.skipped + len(taken) - len(records),
        )
        if len(taken) < rows:
            self._note(source, reached, at)
        return reached

    def waiting(self) -> list[Source]:
        """Accepted files of data that this group does not hold yet, in order of acceptance."""
        held = {int(entry.data["drop"]) for entry in self.ledger.entries(FEATURES_STORED, self.group)}
        sources = accepted(self.ledger.entries(DROP_ACCEPTED))
        return sorted((s for s in sources if s.kind == DATA and s.seq not in held), key=lambda source: source.seq)

    def _rows(self, source: Source) -> Iterator[dict[str, Any]]:
        for table in self.read(source, list(stored_columns(self.spec))):
            yield from table.to_pylist()

    def _note(self, source: Source, reached: Progress, at: datetime) -> None:
        stored = reached.position - reached.skipped
        skipped = f", {reached.skipped:,} rows without id or event time left out" if reached.skipped else ""
        summary = f"{source.uri.rpartition('/')[2]}: {stored:,} records in {self.group}{skipped}"
        data = {"drop": source.seq, "records": stored, "skipped": reached.skipped, "summary": summary}
        self.ledger.append(FEATURES_STORED, self.group, data, at, ACTOR)
