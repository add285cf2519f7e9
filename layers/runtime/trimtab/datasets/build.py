"""A dataset made from the ledger's accepted drops, or the reason why there is none yet."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from trimtab.datasets.assemble import ID_TYPES, Read, Shape, assemble
from trimtab.datasets.leakage import check_no_leakage
from trimtab.datasets.manifest import Manifest, make_manifest
from trimtab.datasets.sources import Source
from trimtab.datasets.split import Split, describe, split_by_time
from trimtab.spec import Spec


@dataclass(frozen=True)
class Built:
    """A split and its manifest."""

    split: Split
    manifest: Manifest


def shape_of(spec: Spec) -> Shape:
    """The rows that a spec asks for."""
    data = spec.data
    named = [data.id, *([data.event_time] if data.event_time else []), *data.features, *spec.evaluation.columns]
    named += spec.protected
    columns = tuple(dict.fromkeys([*(name for name in named if name != data.label), data.label]))
    return Shape(
        id=data.id,
        id_type=ID_TYPES[data.columns[data.id].type.value],
        event_time=data.event_time,
        label=data.label,
        columns=columns,
        window_days=spec.training.window_days,
    )


def build(sources: Iterable[Source], read: Read, spec: Spec) -> Built | str:
    """The dataset of all accepted files, or in words why there is too little for one.

    Raises DataError when a row would be on both sides of the split.
    """
    shape = shape_of(spec)
    assembled = assemble(sources, read, shape)
    rows = assembled.table.num_rows
    if not rows:
        return "no accepted drop has a labelled row yet"
    if rows < spec.training.min_rows:
        return f"{rows:,} labelled rows, and training.min_rows asks for {spec.training.min_rows:,}"
    split = split_by_time(assembled.table, shape.event_time, spec.training.holdout_share)
    lack = _lack(split.train, shape, "training") or _lack(split.holdout, shape, "hold-out")
    if lack:
        return lack
    check_no_leakage(split.train, split.holdout, shape.id)
    return Built(split, make_manifest(spec, shape, assembled, split))


def _lack(rows: pa.Table, shape: Shape, side: str) -> str | None:
    """Why a side of the split cannot be used, None when it can."""
    if not rows.num_rows:
        return f"the {side} part has no rows: all labelled rows lie too close in time"
    positives = describe(rows, shape.label, shape.event_time)["positives"]
    if positives in (0, rows.num_rows):
        return f"the {side} part ({rows.num_rows:,} rows) has only the label {int(positives > 0)}"
    return None
