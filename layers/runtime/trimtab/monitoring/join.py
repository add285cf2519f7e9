"""Late truth joined to windows; the ledger remembers which files each window has met."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.read import format_of, typed_batches
from trimtab.datasets.sources import TRUTH, Source
from trimtab.datasets.truth import Truth
from trimtab.monitoring.collect import COLLECTED
from trimtab.monitoring.tables import read_records, write_table
from trimtab.monitoring.truth import Pairing, labelled, pairings, with_labels
from trimtab.ports import Entry, Ledger, ObjectStore
from trimtab.spec import Spec

JOINED = "truth.joined"
STATE = "truth"
ACTOR = "join_truth"


@dataclass(frozen=True)
class Join:
    """Joins what has come until ``at``; ``subject`` names the run in the ledger."""

    subject: str
    at: datetime
    spec: Spec
    objects: ObjectStore
    ledger: Ledger
    window_uri: Callable[..., str]

    def join(self) -> list[dict[str, Any]]:
        """Window, URI of its joined.parquet, rows and coverage of each window that truth was new to."""
        entries = self.ledger.entries()
        state = self.ledger.state(STATE) or {"through": 0}
        files = [e for e in entries if e.kind == "drop.accepted" and e.data["kind"] == TRUTH]
        windows = [e for e in entries if e.kind == COLLECTED]
        found = pairings(windows, files, int(state["through"]), self.at)
        if not found:
            return []
        tables = {file.seq: self._read(file) for pairing in found for file in pairing.files}
        joined = [self._join(pairing, tables) for pairing in found]
        through = max(entry.seq for entry in (*files, *windows))
        self._record(joined, through)
        return joined

    def _read(self, file: Entry) -> pa.Table:
        """Id and label of a truth file, by the version that was accepted."""
        source = Source.of_entry(file)
        data = self.spec.data
        with self.objects.open(source.uri, source.version or None) as stream:
            batches = [
                batch.select([data.id, data.label])
                for batch in typed_batches(stream, format_of(source.uri, data.format), data)
            ]
        return pa.Table.from_batches(batches)

    def _join(self, pairing: Pairing, tables: dict[int, pa.Table]) -> dict[str, Any]:
        window = str(pairing.window.data["id"])
        uri = self.window_uri(window, "joined.parquet")
        records = read_records(self.objects, uri if self.objects.head(uri) else str(pairing.window.data["uri"]))
        data = self.spec.data
        pairs = [(Source.of_entry(file), tables[file.seq]) for file in pairing.files]
        truth = Truth.of(pairs, data.id, data.label, ARROW_TYPES[data.columns[data.id].type])
        joined = with_labels(records, truth, data.id)
        write_table(self.objects, uri, joined)
        known = labelled(joined)
        return {"window": window, "uri": uri, "rows": known, "coverage": known / joined.num_rows}

    def _record(self, joined: list[dict[str, Any]], through: int) -> None:
        rows = sum(each["rows"] for each in joined)
        summary = f"{rows} labels known in {len(joined)} windows"
        data = {"joined": joined, "through": through, "summary": summary}
        self.ledger.append(JOINED, self.subject, data, self.at, ACTOR, state={STATE: {"through": through}})
