"""Late truth joined to windows; the ledger remembers which files each window has met."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pyarrow as pa

from trimtab.contracts import Window
from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.read import format_of, typed_batches
from trimtab.datasets.sources import TRUTH, Source
from trimtab.ledger.kinds import DROP_ACCEPTED, TRUTH_JOINED, WINDOW_COLLECTED
from trimtab.monitoring.labels import Said
from trimtab.monitoring.parts import parts_of
from trimtab.monitoring.records import LABEL
from trimtab.monitoring.tables import record_batches, write_tables
from trimtab.monitoring.truth import Pairing, Progress, pairings, with_labels
from trimtab.ports import Entry, Ledger, ObjectStore
from trimtab.spec import Spec

STATE = "truth"
ACTOR = "join_truth"
_TRUTH = "0-truth"
"""Folder among those of windows, and before them all in order, of what truth files have met."""
MAX_WINDOWS = 40
"""Windows joined by one run, a window counting once for each version that is measured in it, so that the run's result
stays small; the others wait for the next run."""


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
        files = [e for e in entries if e.kind == DROP_ACCEPTED and e.data["kind"] == TRUTH]
        windows = [e for e in entries if e.kind == WINDOW_COLLECTED]
        found = pairings(windows, files, progress, self.at, self.spec.monitoring.windows.truth_days)
        news = [file for file in files if file.seq > progress.through]
        if not found and not news:
            return []
        now, later = self._portion(found)
        met = Files(self.objects, self.spec, self.window_uri)
        joined = [self._join(pairing, met.said(pairing.files)) for pairing in now]
        behind = {each.window.subject: progress.mark(each.window) for each in later}
        met.remember()
        self._record(joined, met.told(news), Progress(max(entry.seq for entry in (*files, *windows)), behind))
        return joined

    def _portion(self, found: list[Pairing]) -> tuple[list[Pairing], list[Pairing]]:
        """What one run joins, one window at least, and what waits."""
        least = self.spec.monitoring.min_rows
        measured = accumulate(len(parts_of(Window.model_validate(each.window.data), least)) for each in found)
        count = sum(reached <= MAX_WINDOWS for reached in measured) or 1
        return found[:count], found[count:]

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
        unknown = sum(file["unknown"] for file in files if "before" not in file)
        found = sum(file["before"] - file["unknown"] for file in files if "before" in file)
        told = f", {unknown} ids of new truth were in none of them" if unknown else ""
        told += f", {found} ids that no window had held were found" if found else ""
        summary = f"{rows} labels known in {len(joined)} windows, {len(progress.behind)} windows wait{told}"
        data = {"joined": joined, "files": files, "unknown": unknown, "found": found, "summary": summary}
        self.ledger.append(TRUTH_JOINED, self.subject, data, self.at, ACTOR, state={STATE: progress.to_json()})


@dataclass(frozen=True)
class Read:
    """A truth file as this run has read it."""

    file: Entry
    said: Said
    before: int
    """Ids that no earlier run had met."""

    @property
    def is_news(self) -> bool:
        """Whether some were met by this run."""
        return self.said.unknown < self.before

    def to_json(self) -> dict[str, Any]:
        """What the ledger says of it."""
        return {"drop": self.file.subject, "rows": int(self.file.data["rows"]), **self.said.account()}


@dataclass
class Files:
    """Truth files, each read once in a run, and what they have met, in this run and before."""

    objects: ObjectStore
    spec: Spec
    uri: Callable[..., str]
    """URI of a file in a folder beside the windows."""
    _read: dict[int, Read] = field(default_factory=dict)

    def said(self, files: Sequence[Entry]) -> list[Said]:
        """What each of these files says, newest first."""
        return [self._reading(file).said for file in sorted(files, key=lambda file: -file.seq)]

    def remember(self) -> None:
        """What was met is stored, for the runs to come. A run that is repeated stores the same."""
        for seq, read in self._read.items():
            if read.is_news:
                self.objects.write(self._met_uri(seq), read.said.packed(), "application/octet-stream")

    def told(self, news: Sequence[Entry]) -> list[dict[str, Any]]:
        """Of each new file: its ids, how many of them were in no window, and where it repeats or contradicts itself.

        Of each older file that has met some only now: the same, and ``before``, how many ids were in no window until
        then. A window may come after its truth, or wait for the next run. A file that met no window was not read: all
        its rows count as unknown.
        """
        new = {file.seq for file in news}
        older = [read for seq, read in self._read.items() if seq not in new and read.is_news]
        return [*map(self._told, news), *(read.to_json() | {"before": read.before} for read in older)]

    def _told(self, file: Entry) -> dict[str, Any]:
        rows = int(file.data["rows"])
        read = self._read.get(file.seq)
        return read.to_json() if read else {"drop": file.subject, "rows": rows, "unknown": rows}

    def _reading(self, file: Entry) -> Read:
        if file.seq not in self._read:
            said, met = self._parsed(file), self._met_uri(file.seq)
            if self.objects.head(met):
                said.recall(self.objects.read(met))
            self._read[file.seq] = Read(file, said, said.unknown)
        return self._read[file.seq]

    def _met_uri(self, seq: int) -> str:
        return self.uri(_TRUTH, f"{seq}.met")

    def _parsed(self, file: Entry) -> Said:
        """Ids and labels of a truth file, by the version that was accepted."""
        source, data = Source.of_entry(file), self.spec.data
        with self.objects.open(source.uri, source.version or None) as stream:
            batches = typed_batches(stream, format_of(source.uri, data.format), data)
            pairs = (batch.select([data.id, data.label]) for batch in batches)
            return Said.of(pairs, _label_type(self.spec))


def _label_type(spec: Spec) -> pa.DataType:
    return ARROW_TYPES[spec.data.columns[spec.data.label].type]
