"""A dataset version made again from its manifest alone."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import tiny
from tests.unit.datasets.test_build import ALL, built, read, with_column
from trimtab.datasets.build import rebuild
from trimtab.datasets.content import content_digest
from trimtab.datasets.recipe import Recipe
from trimtab.datasets.sources import Source
from trimtab.errors import DataError


def stored(**training: Any) -> dict[str, Any]:
    """A manifest as it is read from S3."""
    content: dict[str, Any] = json.loads(built(ALL, **training).manifest.body)
    return content


@pytest.mark.parametrize("training", [{}, {"window_days": 20}, {"holdout_share": 0.5}])
def test_the_same_rows_come_of_the_manifest_alone(training: dict[str, Any]) -> None:
    again = rebuild(stored(**training), read)
    once = built(ALL, **training).split
    assert again.train.equals(once.train)
    assert again.holdout.equals(once.holdout)
    assert again.boundary == once.boundary


def test_a_file_that_changed_is_noticed() -> None:
    def read_changed(source: Source, columns: list[str]) -> list[pa.Table]:
        table = pa.concat_tables(read(source, columns))
        if "load" not in table.column_names:
            return [table]
        load = np.asarray(table.column("load")).copy()
        load[0] += 1e-9
        return [with_column(table, "load", pa.array(load))]

    with pytest.raises(DataError, match="the train rows made again are not those of the manifest"):
        rebuild(stored(), read_changed)


def test_a_manifest_from_before_recipes_says_where_its_rows_are() -> None:
    with pytest.raises(DataError, match="says no recipe"):
        rebuild({"schema": 1}, read)


def test_a_recipe_survives_its_json() -> None:
    recipe = Recipe.of_spec(tiny.SPEC)
    again = Recipe.of_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe
    assert again.digest == recipe.digest


TABLE = pa.table(
    {
        "n": pa.array([1.5, None, float("nan")]),
        "t": pa.array(["a", None, "bc"]),
        "i": pa.array([1, None, 3]),
        "b": pa.array([True, None, False]),
        "at": pa.array([0, None, 5], pa.timestamp("us", "UTC")),
    }
)


def test_a_content_digest_is_the_same_for_ever() -> None:
    """Manifests that were stored with it must go on being verified."""
    assert content_digest(TABLE) == "bcd6acbc7656afc9ddc61efc6231a12b0ec4e88068604a85db30b58c45481340"


def test_how_a_table_lies_in_memory_does_not_count() -> None:
    pieces = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    longer = pa.concat_tables([TABLE, TABLE]).slice(3)
    wide = with_column(TABLE, "t", TABLE.column("t").cast(pa.large_string()))
    assert {content_digest(each) for each in (TABLE, pieces, longer, wide)} == {content_digest(TABLE)}


@given(st.sampled_from(TABLE.column_names), st.integers(0, 2))
def test_every_value_and_gap_counts(name: str, row: int) -> None:
    values = TABLE.column(name).to_pylist()
    other = {"n": 9.5, "t": "z", "i": 9, "b": values[0] is not True, "at": 9}[name]
    values[row] = other if values[row] != other else None
    changed = with_column(TABLE, name, pa.array(values, TABLE.schema.field(name).type))
    assert content_digest(changed) != content_digest(TABLE)


def test_texts_that_run_into_each_other_are_told_apart() -> None:
    assert content_digest(pa.table({"t": ["ab", "c"]})) != content_digest(pa.table({"t": ["a", "bc"]}))
    assert content_digest(pa.table({"t": ["", None]})) != content_digest(pa.table({"t": [None, ""]}))
