"""Declared slices in production: against their own value at evaluation, and many small ones ring nothing."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.monitoring.labelled import records, spec
from trimtab.evaluation.cells import cross, cut
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.reference import Reference
from trimtab.monitoring.slices import Slices, members


def reference(table: pa.Table, columns: tuple[str, ...] = ("region",)) -> Reference:
    """What an evaluation on ``table`` says, with all parts of the columns."""
    plain = measure_window("w", table, 1, Reference(), spec())
    assert plain.interval is not None
    slices = []
    for column in columns:
        parts = cut(column, table.column(column))
        for place, name in enumerate(parts.names):
            own = measure_window("w", table.take(pa.array(parts.members(place))), 1, Reference(), spec(min_rows=20))
            if own.interval is not None:
                found = {"metrics": own.metrics, "interval": [own.interval.lo, own.interval.hi]}
                slices.append({"name": name, "columns": [column], "declared": True} | found)
    auc = plain.interval
    return Reference({"auc": auc.value}, {"auc": [auc.lo, auc.hi]}, slices=slices)


def measured(table: pa.Table, then: Reference, **watch: Any) -> Slices:
    return measure_window("w", table, 1, then, spec(slices=watch)).slices


def test_the_slice_in_which_the_model_has_gone_blind_is_the_one_that_is_named() -> None:
    found = measured(records(6000, seed=2, blind="west"), reference(records(6000, seed=1)))
    assert [each.name for each in found.fallen] == ["region=west"]
    assert found.reading == found.fallen[0].excess.drop > 0.05


def test_what_the_whole_has_lost_is_no_news_of_a_slice() -> None:
    then = reference(records(6000, seed=1))
    worse = measure_window("w", records(6000, seed=2, skill=0.4), 1, then, spec())
    assert worse.reading is not None
    assert worse.reading > 0.1
    assert worse.slices.reading == 0.0
    assert all(each.excess.drop < 0.1 for each in worse.slices.measured)


def test_forty_small_slices_of_a_model_that_has_not_changed_ring_no_more_than_promised() -> None:
    """Without the correction the same windows would ring, so the test can fail."""
    rang = uncorrected = 0
    for seed in range(8):
        then, now = (
            table.append_column("shop", pa.array(np.arange(table.num_rows) % 40))
            for table in (records(4800, seed=200 + seed), records(4800, seed=300 + seed))
        )
        slices = [
            {"name": f"shop={shop}", "columns": ["shop"], "declared": True} | part(then, shop) for shop in range(40)
        ]
        whole = measure_window("w", then, 1, Reference(), spec())
        assert whole.interval is not None
        found = measured(now, Reference({"auc": whole.interval.value}, slices=slices))
        assert len(found.measured) == 40
        rang += bool(found.fallen)
        uncorrected += max(each.excess.drop / each.excess.error for each in found.measured) > 1.64
    assert rang <= 2
    assert uncorrected > 4


def part(table: pa.Table, shop: int) -> dict[str, Any]:
    own = measure_window("w", table.filter(pa.array(np.arange(table.num_rows) % 40 == shop)), 1, Reference(), spec())
    assert own.interval is not None
    return {"metrics": own.metrics, "interval": [own.interval.lo, own.interval.hi]}


def test_thin_slices_and_those_by_unknown_columns_are_named_and_not_judged() -> None:
    then = reference(records(6000, seed=1))
    lost = {"name": "branch=7", "columns": ["branch"], "metrics": {"auc": 0.7}, "interval": [0.6, 0.8]}
    found = measured(records(250, seed=2), Reference(then.metrics, then.intervals, slices=[*then.slices, lost]))
    assert set(found.thin) == {"region=east", "region=west", "region=north"}
    assert found.absent == ("branch=7",)
    assert found.reading is None


def test_rows_are_put_into_the_slices_that_the_evaluation_had_made() -> None:
    random = np.random.default_rng(0)
    amount = [None if value < 0.05 else float(value) for value in random.random(500)]
    table = pa.table({"amount": amount, "flag": random.random(500) < 0.3, "town": ["a & b=c", "d"] * 250})
    for column in ("amount", "flag", "town"):
        parts = cut(column, table.column(column))
        for place, name in enumerate(parts.names):
            expected = np.zeros(500, dtype=bool)
            expected[parts.members(place)] = True
            # the edges in a name have six digits: a row may lie between an edge and its name
            assert (members(name, [column], table) != expected).sum() <= 2, name
    both = cross(cut("flag", table.column("flag")), cut("town", table.column("town")))
    for place, name in enumerate(both.names):
        assert np.flatnonzero(members(name, ["flag", "town"], table)).tolist() == both.members(place).tolist()


def test_a_name_of_another_evaluation_is_refused() -> None:
    with pytest.raises(ValueError, match="is no slice by region"):
        members("town=x", ["region"], records(10))
