"""All truth up to some drop in one file, so that a build reads only what came since."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.datasets.recipe import Recipe
from trimtab.datasets.sources import TRUTH, Source
from trimtab.datasets.truth import Truth
from trimtab.ports import ObjectStore

STATE = "known_truth"
"""Name under which the ledger keeps where the file is."""
_SOURCES = b"sources"


@dataclass(frozen=True)
class KnownTruth:
    """Where the file lies."""

    uri: str
    version: str
    """Of the object: another one of the same name is not read."""
    recipe: str
    """Digest of the recipe; under another contract labels may read otherwise."""

    @classmethod
    def of_state(cls, state: dict[str, Any] | None) -> "KnownTruth | None":
        """What the ledger's state tells of."""
        return None if state is None else cls(**state)

    def to_json(self) -> dict[str, Any]:
        """The form in which the ledger keeps it."""
        return asdict(self)


def still_serves(truth: Truth, sources: Sequence[Source]) -> bool:
    """Whether every file in it counts as it did (one put back counts later), and all others came after them."""
    held = {mark(source) for source in truth.sources}
    truths = {mark(source): source.seq for source in sources if source.kind == TRUTH}
    newest = max((source.seq for source in truth.sources), default=0)
    return held <= truths.keys() and all(seq > newest for each, seq in truths.items() if each not in held)


def mark(source: Source) -> str:
    """A file, at its place among the accepted ones."""
    return f"{source.seq}:{source.sha256}"


def news(sources: Sequence[Source], truth: Truth | None) -> list[Source]:
    """The sources without the truth files that are known already."""
    held = {mark(source) for source in truth.sources} if truth else set()
    return [source for source in sources if source.kind != TRUTH or mark(source) not in held]


def dumps(truth: Truth) -> bytes:
    """The truth as the bytes of a Parquet file."""
    columns = {"id": truth.ids, "label": truth.labels, "origin": pa.array(truth.origins.astype(np.int32))}
    said = [_said(source) for source in truth.sources]
    table = pa.table(columns).replace_schema_metadata({_SOURCES: json.dumps(said).encode()})
    packed = io.BytesIO()
    pq.write_table(table, packed, compression="zstd")
    return packed.getvalue()


def loads(body: bytes) -> Truth:
    """The truth that ``dumps`` wrote."""
    table = pq.read_table(io.BytesIO(body))
    ids, labels, origins = (pa.concat_arrays(column.chunks or [pa.array([], column.type)]) for column in table.columns)
    sources = tuple(_source(each) for each in json.loads(table.schema.metadata[_SOURCES]))
    return Truth(ids, labels, np.asarray(origins, dtype=np.intp), sources)


def _said(source: Source) -> dict[str, Any]:
    return source.describe() | {"seq": source.seq, "at": source.at.isoformat() if source.at else None}


def _source(said: dict[str, Any]) -> Source:
    at = datetime.fromisoformat(said["at"]) if said["at"] else None
    return replace(Source.of_manifest(said, said["seq"]), at=at)


def read_known(
    objects: ObjectStore, known: KnownTruth | None, recipe: Recipe, sources: Sequence[Source]
) -> Truth | None:
    """The truth in the file; None when there is none, it is gone or does not serve: then all files are read again."""
    if known is None or known.recipe != recipe.digest:
        return None
    try:
        truth = loads(objects.read(known.uri, known.version or None))
    except FileNotFoundError:
        return None
    return truth if still_serves(truth, sources) else None


def store(objects: ObjectStore, uri: str, truth: Truth, recipe: Recipe) -> KnownTruth:
    """The truth lies in ``uri``."""
    objects.write(uri, dumps(truth), "application/vnd.apache.parquet")
    info = objects.head(uri)
    return KnownTruth(uri, info.version if info else "", recipe.digest)
