"""Datasets of the fixture model, and the manifest that names them."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.fakes import NOON
from tests.fixtures import tiny
from trimtab.datasets.assemble import assemble
from trimtab.datasets.build import Built, build, shape_of
from trimtab.datasets.manifest import recipe_digest
from trimtab.datasets.sources import DATA, TRUTH, Source, accepted
from trimtab.ports import Entry

JANUARY, FEBRUARY = tiny.month(1), tiny.month(2)
TABLES = {
    "january": JANUARY,
    "february": FEBRUARY.drop_columns(["failed"]),
    "outcomes": FEBRUARY.select(["id", "failed"]),
}


def source(name: str, seq: int) -> Source:
    table = TABLES[name]
    times: list[datetime] = table.column("at").to_pylist() if "at" in table.column_names else []
    start, end = (times[0], times[-1]) if times else (None, None)
    kind = TRUTH if name == "outcomes" else DATA
    return Source(kind, f"s3://drops/tiny/data/{name}", f"v{seq}", name, table.num_rows, start, end, seq)


def read(source: Source, columns: list[str]) -> list[pa.Table]:
    """In two pieces."""
    table = TABLES[source.uri.rsplit("/", 1)[-1]]
    held = table.select([name for name in columns if name in table.column_names])
    return [held.slice(0, 100), held.slice(100)]


ALL = [source("january", 1), source("february", 2), source("outcomes", 3)]


def built(sources: list[Source], **training: Any) -> Built:
    found = build(sources, read, spec_with(**training))
    assert isinstance(found, Built)
    return found


def spec_with(**training: Any) -> Any:
    return tiny.SPEC.model_copy(update={"training": tiny.SPEC.training.model_copy(update=training)})


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def test_the_same_files_give_the_same_dataset_in_whatever_order_they_are_listed() -> None:
    assert built(ALL).manifest.digest == built(list(reversed(ALL))).manifest.digest


def test_other_bytes_give_another_dataset() -> None:
    changed = [replace(ALL[0], version="v9", sha256="other"), *ALL[1:]]
    assert built(ALL).manifest.digest != built(changed).manifest.digest


@pytest.mark.parametrize("change", [{"window_days": 30}, {"holdout_share": 0.4}])
def test_another_recipe_gives_another_dataset(change: dict[str, Any]) -> None:
    assert built(ALL).manifest.digest != built(ALL, **change).manifest.digest


def test_settings_that_do_not_touch_the_rows_keep_the_dataset() -> None:
    assert recipe_digest(tiny.SPEC) == recipe_digest(spec_with(max_runtime_minutes=5))


def test_the_manifest_says_where_every_row_came_from() -> None:
    content = json.loads(built(ALL).manifest.body)
    used = {item["key"]: item["used"] for item in content["sources"]}
    assert used["tiny/data/outcomes"] == used["tiny/data/february"] == 600
    assert content["split"]["train"]["rows"] + content["split"]["holdout"]["rows"] == 600 + used["tiny/data/january"]
    assert content["sources"][0] | {"used": 0} == {
        "kind": "data",
        "bucket": "drops",
        "key": "tiny/data/january",
        "version": "v1",
        "sha256": "january",
        "rows": 600,
        "period": {"start": ALL[0].start.isoformat(), "end": ALL[0].end.isoformat()},  # type: ignore[union-attr]
        "used": 0,
    }


def test_a_file_that_gives_no_row_is_not_in_the_manifest() -> None:
    assert built([ALL[0], ALL[1]]).manifest.digest == built([ALL[0]]).manifest.digest


def test_no_id_is_on_both_sides() -> None:
    split = built(ALL).split
    assert not set(split.train.column("id").to_pylist()) & set(split.holdout.column("id").to_pylist())


def test_nothing_labelled_is_no_dataset() -> None:
    assert build([ALL[1]], read, tiny.SPEC) == "no accepted drop has a labelled row yet"


def test_too_few_rows_are_no_dataset() -> None:
    found = build([ALL[0]], read, spec_with(min_rows=5000))
    assert found == "600 labelled rows, and training.min_rows asks for 5,000"


def test_one_class_is_no_dataset() -> None:
    def only_zeros(source: Source, columns: list[str]) -> list[pa.Table]:
        return [with_column(table, "failed", pa.array([0] * len(table), pa.int64())) for table in read(source, columns)]

    assert build([ALL[0]], only_zeros, tiny.SPEC) == "the training part (450 rows) has only the label 0"


def test_columns_are_id_time_features_slices_and_label() -> None:
    assert shape_of(tiny.SPEC).columns == ("id", "at", "load", "heat", "age", "site", "failed")


def acceptance(seq: int, **changed: Any) -> Entry:
    data = {
        "kind": "data",
        "uri": "s3://drops/tiny/data/a",
        "version": "v1",
        "sha256": "aa",
        "rows": 3,
        "period": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-31T00:00:00Z"},
    }
    return Entry("tiny", seq, "drop.accepted", "aa", data | changed, NOON, "me", "", "")


def test_sources_are_read_from_the_ledger_each_content_once() -> None:
    (found,) = accepted([acceptance(4), acceptance(9)])
    assert (found.seq, found.rows, found.end) == (9, 3, datetime.fromisoformat("2026-01-31T00:00:00+00:00"))


def test_the_same_content_is_another_source_as_truth() -> None:
    assert [found.kind for found in accepted([acceptance(4), acceptance(9, kind="truth")])] == ["data", "truth"]


def test_a_content_that_is_put_back_replaces_what_had_replaced_it() -> None:
    good = {"sha256": "good", "uri": "s3://drops/tiny/data/good"}
    bad = {"sha256": "bad", "uri": "s3://drops/tiny/data/bad"}
    found = accepted([acceptance(1, **good), acceptance(2, **bad), acceptance(3, **good)])
    assert [(each.sha256, each.seq) for each in found] == [("bad", 2), ("good", 3)]
    flipped = pa.array([1 - label for label in JANUARY.column("failed").to_pylist()], pa.int64())
    tables = {"good": JANUARY, "bad": JANUARY.set_column(JANUARY.column_names.index("failed"), "failed", flipped)}
    shape = shape_of(tiny.SPEC)
    rows = assemble(found, lambda each, columns: [tables[each.sha256].select(columns)], shape).table
    labels = dict(zip(rows.column("id").to_pylist(), rows.column("failed").to_pylist(), strict=True))
    assert labels == dict(zip(JANUARY.column("id").to_pylist(), JANUARY.column("failed").to_pylist(), strict=True))
