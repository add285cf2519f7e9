"""The accepted files that a dataset may be made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.ports import Entry

DATA, TRUTH = "data", "truth"


@dataclass(frozen=True)
class Source:
    """One version of one accepted file."""

    kind: str
    """``data`` or ``truth``."""
    uri: str
    version: str
    sha256: str
    rows: int
    start: datetime | None
    """First event time, None for a file without one."""
    end: datetime | None
    seq: int
    """Place of the acceptance in the ledger; a later file's rows replace an earlier one's."""
    parts: str = ""
    """URI of the list of the drop's objects; empty for a drop of one."""
    at: datetime | None = None
    """When it was accepted; of no account for what the dataset is called."""

    @classmethod
    def of_entry(cls, entry: Entry) -> "Source":
        """The source that a ``drop.accepted`` entry tells of."""
        data = entry.data
        period: Mapping[str, str] = data.get("period") or {}
        return cls(
            kind=str(data["kind"]),
            uri=str(data["uri"]),
            version=str(data["version"]),
            sha256=str(data["sha256"]),
            rows=int(data["rows"]),
            start=_moment(period.get("start")),
            end=_moment(period.get("end")),
            seq=entry.seq,
            parts=str(data.get("parts", "")),
            at=entry.at,
        )

    @classmethod
    def of_manifest(cls, said: Mapping[str, Any], place: int) -> "Source":
        """The source that ``describe`` told of, the one at ``place`` (from 1) in order of acceptance."""
        period: Mapping[str, str] = said["period"] or {}
        return cls(
            kind=said["kind"],
            uri=f"s3://{said['bucket']}/{said['key']}",
            version=said["version"],
            sha256=said["sha256"],
            rows=said["rows"],
            start=_moment(period.get("start")),
            end=_moment(period.get("end")),
            seq=place,
            parts=said.get("parts", ""),
        )

    def describe(self) -> dict[str, Any]:
        """What a manifest says of the source: enough to read the same bytes again."""
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        return {
            "kind": self.kind,
            "bucket": bucket,
            "key": key,
            "version": self.version,
            "sha256": self.sha256,
            "rows": self.rows,
            "period": {"start": self.start.isoformat(), "end": self.end.isoformat()}
            if self.start and self.end
            else None,
        } | ({"parts": self.parts} if self.parts else {})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def accepted(entries: Iterable[Entry], until: datetime | None = None) -> list[Source]:
    """The files accepted until then, in the order of their acceptance, each content once and where accepted last.

    So a file that was replaced, and then put back as it was, replaces its replacement.
    """
    found: dict[str, Source] = {}
    for entry in entries:
        if until is not None and entry.at > until:
            continue
        source = Source.of_entry(entry)
        content = f"{source.kind}:{source.sha256}"
        found.pop(content, None)
        found[content] = source
    return list(found.values())
