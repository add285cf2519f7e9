"""A dataset made from the ledger's accepted drops, or the reason why there is none yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.contracts import LEAKAGE
from trimtab.datasets.assemble import NotReady, Read, assemble
from trimtab.datasets.leakage import Leakage, check_no_leakage, measure_leakage
from trimtab.datasets.manifest import SIDES, Manifest, make_manifest
from trimtab.datasets.recipe import BINARY, MULTICLASS, Recipe, Shape
from trimtab.datasets.sources import Source
from trimtab.datasets.split import Split, class_counts, describe, split_by_time
from trimtab.datasets.truth import Truth
from trimtab.errors import DataError
from trimtab.spec import Spec


@dataclass(frozen=True)
class Built:
    """A split, its manifest, and what was looked for in it."""

    split: Split
    manifest: Manifest
    leakage: Leakage
    contradictions: int
    """Rows of whose id the newest truth file says two things."""
    truth: Truth
    """All that was known."""


def shape_of(spec: Spec) -> Shape:
    """The rows that a spec asks for."""
    return Recipe.of_spec(spec).shape


def build(sources: Iterable[Source], read: Read, spec: Spec, known: Truth | None = None) -> Built | str:
    """The dataset of all accepted files, or in words why there is too little for one or why it must not be used.

    ``known`` is the truth of files that are not among the sources, all accepted before those that are.
    Raises DataError when a row would be on both sides of the split.
    """
    try:
        return _built(list(sources), read, spec, known)
    except NotReady as reason:
        return str(reason)


def _built(sources: list[Source], read: Read, spec: Spec, known: Truth | None) -> Built:
    recipe = Recipe.of_spec(spec)
    shape = recipe.shape
    assembled = assemble(sources, read, shape, known=known, max_megabytes=spec.datasets.max_megabytes)
    rows = assembled.table.num_rows
    if not rows or assembled.truth is None:
        raise NotReady("no accepted drop has a labelled row yet")
    if rows < spec.training.min_rows:
        raise NotReady(f"{rows:,} labelled rows, and training.min_rows asks for {spec.training.min_rows:,}")
    split = cut(assembled.table, recipe)
    _check_sides(split, recipe)
    check_no_leakage(split.train, split.holdout, shape.id)
    leakage = measure_leakage(split, recipe, spec.datasets.leakage, assembled.early_labels)
    if leakage.refusals:
        raise NotReady(LEAKAGE + "; ".join(leakage.refusals))
    manifest = make_manifest(spec.name, recipe, assembled, split)
    return Built(split, manifest, leakage, assembled.contradictions, assembled.truth)


def cut(table: pa.Table, recipe: Recipe) -> Split:
    """The rows on both sides of the cut, the training side without the columns that no model learns from."""
    split = split_by_time(table, recipe.data.event_time, recipe.holdout_share, recipe.gap)
    unseen = [name for name in recipe.unseen if name in table.column_names]
    return Split(split.train.drop_columns(unseen), split.holdout, split.boundary)


def rebuild(manifest: Mapping[str, Any], read: Read) -> Split:
    """The very rows of a dataset version, made again of the files that its manifest names.

    Raises DataError when they are not the rows that the manifest vouches for, or when it is of another schema.
    """
    if "recipe" not in manifest:
        raise DataError(f"the manifest (schema {manifest.get('schema')}) says no recipe: its rows are in train/ only")
    recipe = Recipe.of_json(manifest["recipe"])
    sources = [Source.of_manifest(said, place) for place, said in enumerate(manifest["sources"], start=1)]
    start = manifest["window_start"]
    assembled = assemble(sources, read, recipe.shape, start=datetime.fromisoformat(start) if start else None)
    split = cut(assembled.table, recipe)
    made = make_manifest(manifest["model"], recipe, assembled, split)
    for side in SIDES:
        if made.content["content"][side] != manifest["content"][side]:
            raise DataError(f"the {side} rows made again are not those of the manifest: is a file's version gone?")
    return split


def _check_sides(split: Split, recipe: Recipe) -> None:
    """Raises NotReady when a side of the split cannot be used."""
    for rows, side in ((split.train, "training"), (split.holdout, "hold-out")):
        if not rows.num_rows:
            raise NotReady(f"the {side} part has no rows: all labelled rows lie too close in time")
        only = _only_label(rows, recipe)
        if only is not None:
            raise NotReady(f"the {side} part ({rows.num_rows:,} rows) has only the label {only}")
    if recipe.problem == MULTICLASS:
        label = recipe.data.label
        unknown = sorted(class_counts(split.holdout, label).keys() - class_counts(split.train, label).keys())
        if unknown:
            raise NotReady(f"the hold-out part has the class '{unknown[0]}', which no training row has")


def _only_label(rows: pa.Table, recipe: Recipe) -> str | None:
    """The label of all rows when there is but one, None when there are several."""
    if recipe.problem == BINARY:
        positives = describe(rows, recipe.data.label, None)["positives"]
        return str(int(positives > 0)) if positives in (0, rows.num_rows) else None
    distinct = pc.unique(rows.column(recipe.data.label))
    return str(distinct[0].as_py()) if len(distinct) == 1 else None
