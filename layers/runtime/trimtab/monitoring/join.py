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
from trimtab.monitoring.truth import Pairing, Progress, labelled, pairings, with_labels
from trimtab.ports import Entry, Ledger, ObjectStore
from trimtab.spec import Spec

JOINED = "truth.joined"
STATE = "truth"
ACTOR = "join_truth"
MAX_WINDOWS = 40
"""Windows joined by one run, so that its result stays small; the others wait for the next run."""


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
        progress = Progress.of(self.ledger.state(STATE))
        files = [e for e in entries if e.kind == "drop.accepted" and e.data["kind"] == TRUTH]
        windows = [e for e in entries if e.kind == COLLECTED]
        found = pairings(windows, files, progress, self.at)
        if not found:
            return []
        now, later = found[:MAX_WINDOWS], found[MAX_WINDOWS:]
        tables = {file.seq: self._read(file) for file in {f.seq: f for each in now for f in each.files}.values()}
        joined = [self._join(pairing, tables) for pairing in now]
        behind = {each.window.subject: progress.mark(each.window) for each in later}
        self._record(joined, Progress(max(entry.seq for entry in (*files, *windows)), behind))
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

    def _record(self, joined: list[dict[str, Any]], progress: Progress) -> None:
        rows = sum(each["rows"] for each in joined)
        summary = f"{rows} labels known in {len(joined)} windows, {len(progress.behind)} windows wait"
        data = {"joined": joined, "summary": summary}
        self.ledger.append(JOINED, self.subject, data, self.at, ACTOR, state={STATE: progress.to_json()})
