"""Late truth joined to windows; the ledger remembers which files each window has met."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.read import format_of, typed_batches
from trimtab.datasets.sources import TRUTH, Source
from trimtab.monitoring.collect import COLLECTED
from trimtab.monitoring.labels import Said
from trimtab.monitoring.records import LABEL
from trimtab.monitoring.tables import record_batches, write_tables
from trimtab.monitoring.truth import Pairing, Progress, pairings, with_labels
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
        found = pairings(windows, files, progress, self.at, self.spec.monitoring.windows.truth_days)
        news = [file for file in files if file.seq > progress.through]
        if not found and not news:
            return []
        now, later = found[:MAX_WINDOWS], found[MAX_WINDOWS:]
        met = Files(self.objects, self.spec)
        joined = [self._join(pairing, met.said(pairing.files)) for pairing in now]
        behind = {each.window.subject: progress.mark(each.window) for each in later}
        self._record(joined, met.told(news), Progress(max(entry.seq for entry in (*files, *windows)), behind))
        return joined

    def _join(self, pairing: Pairing, files: Sequence[Said]) -> dict[str, Any]:
        """Row group by row group: a window may be large."""
        data, contract = pairing.window.data, self.spec.data
        uri = self.window_uri(str(data["id"]), "joined.parquet")
        known: list[int] = []

        def labelled() -> Iterator[pa.Table]:
            for records in record_batches(self.objects, uri if self.objects.head(uri) else str(data["uri"])):
                table = with_labels(records, files, contract.id, _label_type(self.spec))
                known.append(table.num_rows - table.column(LABEL).null_count)
                yield table

        write_tables(self.objects, uri, labelled())
        age = self.at - datetime.fromisoformat(data["end"])
        found = {"window": str(data["id"]), "uri": uri, "rows": sum(known), "coverage": sum(known) / int(data["rows"])}
        return {**found, "age_days": round(age / timedelta(days=1), 3)}

    def _record(self, joined: list[dict[str, Any]], files: list[dict[str, Any]], progress: Progress) -> None:
        rows = sum(each["rows"] for each in joined)
        unknown = sum(file["unknown"] for file in files)
        told = f", {unknown} ids of new truth were in none of them" if unknown else ""
        summary = f"{rows} labels known in {len(joined)} windows, {len(progress.behind)} windows wait{told}"
        data = {"joined": joined, "files": files, "unknown": unknown, "summary": summary}
        self.ledger.append(JOINED, self.subject, data, self.at, ACTOR, state={STATE: progress.to_json()})


@dataclass
class Files:
    """Truth files, each read once in a run, and what they have met."""

    objects: ObjectStore
    spec: Spec
    _said: dict[int, Said] = field(default_factory=dict)

    def said(self, files: Sequence[Entry]) -> list[Said]:
        """What each of these files says, newest first."""
        return [self._read(file) for file in sorted(files, key=lambda file: -file.seq)]

    def told(self, files: Sequence[Entry]) -> list[dict[str, Any]]:
        """Of each file: its ids, how many of them were in no window, and where it repeats or contradicts itself.

        A file that met no window was not read: all its rows count as unknown.
        """
        return [self._told(file) for file in files]

    def _told(self, file: Entry) -> dict[str, Any]:
        rows, said = int(file.data["rows"]), self._said.get(file.seq)
        return {"drop": file.subject, "rows": rows, **(said.account() if said else {"unknown": rows})}

    def _read(self, file: Entry) -> Said:
        """Ids and labels of a truth file, by the version that was accepted."""
        if file.seq not in self._said:
            source, data = Source.of_entry(file), self.spec.data
            with self.objects.open(source.uri, source.version or None) as stream:
                batches = typed_batches(stream, format_of(source.uri, data.format), data)
                pairs = (batch.select([data.id, data.label]) for batch in batches)
                self._said[file.seq] = Said.of(pairs, _label_type(self.spec))
        return self._said[file.seq]


def _label_type(spec: Spec) -> pa.DataType:
    return ARROW_TYPES[spec.data.columns[spec.data.label].type]
