"""Late truth joined to windows; the ledger remembers which files each window has met."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.read import format_of, typed_batches
from trimtab.datasets.sources import TRUTH, Source
from trimtab.datasets.truth import Truth
from trimtab.monitoring.collect import COLLECTED
from trimtab.monitoring.records import LABEL
from trimtab.monitoring.tables import record_batches, write_tables
from trimtab.monitoring.truth import Meeting, Pairing, Progress, account, pairings
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
        joined = [self._join(pairing, met.meeting(pairing.files)) for pairing in now]
        behind = {each.window.subject: progress.mark(each.window) for each in later}
        self._record(joined, met.told(news), Progress(max(entry.seq for entry in (*files, *windows)), behind))
        return joined

    def _join(self, pairing: Pairing, meeting: Meeting) -> dict[str, Any]:
        """Row group by row group: a window may be large."""
        data = pairing.window.data
        uri = self.window_uri(str(data["id"]), "joined.parquet")
        known: list[int] = []

        def labelled() -> Iterator[pa.Table]:
            for records in record_batches(self.objects, uri if self.objects.head(uri) else str(data["uri"])):
                table = meeting.labelled(records, self.spec.data.id)
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
    _tables: dict[int, pa.Table] = field(default_factory=dict)
    _meetings: dict[tuple[int, ...], Meeting] = field(default_factory=dict)

    def meeting(self, files: Sequence[Entry]) -> Meeting:
        """What these files say together; windows that meet the same files share it."""
        seqs = tuple(file.seq for file in files)
        if seqs not in self._meetings:
            data = self.spec.data
            pairs = [(Source.of_entry(file), self._table(file)) for file in files]
            truth = Truth.of(pairs, data.id, data.label, ARROW_TYPES[data.columns[data.id].type])
            self._meetings[seqs] = Meeting(truth)
        return self._meetings[seqs]

    def told(self, files: Sequence[Entry]) -> list[dict[str, Any]]:
        """Of each file: its ids, how many of them were in no window, and where it repeats or contradicts itself.

        A file that met no window was not read: all its rows count as unknown.
        """
        id_type = ARROW_TYPES[self.spec.data.columns[self.spec.data.id].type]
        found = pa.concat_arrays([pa.array([], id_type), *(each.found for each in self._meetings.values())])
        return [self._told(file, found) for file in files]

    def _told(self, file: Entry, found: pa.Array) -> dict[str, Any]:
        rows = int(file.data["rows"])
        counts = account(self._tables[file.seq], found) if file.seq in self._tables else {"unknown": rows}
        return {"drop": file.subject, "rows": rows, **counts}

    def _table(self, file: Entry) -> pa.Table:
        """Id and label of a truth file, by the version that was accepted."""
        if file.seq not in self._tables:
            source, data = Source.of_entry(file), self.spec.data
            with self.objects.open(source.uri, source.version or None) as stream:
                batches = [
                    batch.select([data.id, data.label])
                    for batch in typed_batches(stream, format_of(source.uri, data.format), data)
                ]
            self._tables[file.seq] = pa.Table.from_batches(batches)
        return self._tables[file.seq]
