"""One pass over random tables against exact answers, and against itself when the rows come in pieces."""

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.contract import data_contract
from trimtab.data.drift import compare
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile, profile_batches, profiled_columns
from trimtab.data.scan import Scan
from trimtab.data.source import Chunk
from trimtab.data.validate import validate
from trimtab.spec import Column

SHAPES: dict[str, Any] = {
    "normal": lambda random, n: random.normal(0, 2_500, n),
    "far from zero": lambda random, n: 1e6 + random.normal(0, 0.3, n),
    "skewed": lambda random, n: random.lognormal(3, 1.5, n),
    "rounded": lambda random, n: np.round(random.gamma(2, 5, n), 1),
    "mostly zero": lambda random, n: np.where(random.random(n) < 0.9, 0.0, random.exponential(3, n)),
    "two humps": lambda random, n: np.where(random.random(n) < 0.5, random.normal(-5, 1, n), random.normal(9, 0.1, n)),
    "small integers": lambda random, n: random.integers(-3, 400, n),
    "many integers": lambda random, n: random.integers(0, 60_000, n),
    "wide integers": lambda random, n: random.integers(0, 10**12, n),
}


@pytest.mark.parametrize("name", SHAPES)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 60_000), moved=st.floats(0, 0.5))
@settings(max_examples=6, deadline=None)
def test_numbers_are_profiled_within_the_promised_errors(name: str, seed: int, rows: int, moved: float) -> None:
    random = np.random.default_rng(seed)
    left, right = SHAPES[name](random, rows), SHAPES[name](random, max(rows // 2, 2))
    right = (right * (1 + moved)).astype(left.dtype)
    profiles = [streamed(pd.Series(side).to_frame("x"), {"x": number(left.dtype.kind)}) for side in (left, right)]
    column = profiles[0].columns["x"]
    assert isinstance(column, NumberProfile)
    assert (column.rows, column.moments.minimum, column.moments.maximum) == (rows, left.min(), left.max())
    assert column.moments.mean == pytest.approx(left.mean(), rel=1e-9, abs=1e-9 * np.abs(left).max())
    assert column.moments.standard_deviation == pytest.approx(left.std(ddof=1), rel=1e-6, abs=1e-9)
    assert column.sketch.distinct == pytest.approx(len(np.unique(left)), rel=0 if column.sketch.exact else 0.03)
    shares = np.linspace(0.05, 0.95, 19)
    found, ordered = column.sketch.quantiles(shares), np.sort(left)
    low, high = (np.searchsorted(ordered, found * factor, side) / rows for factor, side in ((1, "left"), (1, "right")))
    slack = 0.002 + 1 / rows
    assert ((low <= shares + slack) & (high >= shares - slack)).all()
    (drift,) = compare(*profiles)
    assert drift.ks == pytest.approx(ks_2samp(left, right, method="asymp").statistic, abs=1e-3)
    exact = psi_by_definition(left.astype(float), right.astype(float))
    assert drift.psi == pytest.approx(exact, rel=0.05, abs=0.001)


def number(kind: str) -> Column:
    return Column.model_validate({"type": "integer" if kind == "i" else "number"})


def streamed(frame: pd.DataFrame, columns: dict[str, Column]) -> Profile:
    return profile_batches(pa.Table.from_pandas(frame).to_batches(max_chunksize=7_001), columns)


def psi_by_definition(reference: np.ndarray, current: np.ndarray) -> float:
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, 11)))
    edges = edges if len(edges) > 2 else np.array([edges[0] - 1, edges[0], edges[-1] + 1])
    edges[0], edges[-1] = -np.inf, np.inf
    shares = [np.clip(np.histogram(side, edges)[0] / len(side), 1e-4, None) for side in (reference, current)]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


@given(seed=st.integers(0, 10_000), levels=st.integers(1, 3_000))
@settings(max_examples=15, deadline=None)
def test_categories_are_exact(seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": [f"level {level}" for level in random.zipf(1.3, 20_000) % levels]})
    found = streamed(frame, {"x": Column.model_validate({"type": "string"})}).columns["x"]
    assert isinstance(found, CategoryProfile)
    assert dict(found.levels.counts) == frame.x.value_counts().to_dict()


@given(cuts=st.lists(st.integers(0, 900), max_size=5), seed=st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_a_scan_in_pieces_is_the_scan_of_the_whole(cuts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    table = trips(
        900,
        seed,
        miles=np.where(random.random(900) < 0.02, 200.0, random.gamma(2, 5, 900).clip(0, 100)),
        line=random.choice(["red", "green", "blue", "pink"], 900, p=[0.6, 0.3, 0.09, 0.01]),
        trip=random.integers(0, 5_000, 900),
    )
    places = sorted({0, 900, *cuts})
    whole, pieces = scanned(table), [scanned(table.slice(start, end - start)) for start, end in pairwise(places)]
    for piece in pieces[1:]:
        pieces[0].merge(piece)
    names = tuple(profiled_columns(DATA))
    assert pieces[0].rows_in_violation == whole.rows_in_violation
    for name, column in whole.columns.items():
        other = pieces[0].columns[name]
        assert other.tallies == column.tallies
        assert (other.unique and other.unique.repeated()) == (column.unique and column.unique.repeated())
    left, right = pieces[0].profile(names), whole.profile(names)
    assert left.sample.hashes.tolist() == right.sample.hashes.tolist()
    baseline = scanned(trips(500, 7)).profile(names)
    both = [compare(baseline, profile) for profile in (left, right)]
    assert [(drift.column, drift.psi, drift.ks, drift.p_values) for drift in both[0]] == [
        (drift.column, drift.psi, drift.ks, drift.p_values) for drift in both[1]
    ]


def scanned(table: pa.Table) -> Scan:
    scan = Scan(data_contract(DATA), profiled_columns(DATA), text=False)
    first = 1
    for batch in table.to_batches(max_chunksize=113):
        scan.add(Chunk(first, batch.num_rows, {name: batch.column(name) for name in batch.schema.names}))
        first += batch.num_rows
    return scan


def test_csv_and_parquet_of_one_table_give_the_same_profile() -> None:
    table = trips(5_000)
    found = [
        validate(stream, format, DATA).profile for stream, format in ((csv(table), "csv"), (parquet(table), "parquet"))
    ]
    assert all(profile is not None for profile in found)
    left, right = (profile.to_json() for profile in found if profile is not None)
    assert left["columns"] == right["columns"]


def test_a_csv_cell_that_is_no_number_is_found_in_its_row_however_late_it_comes() -> None:
    lines = csv(trips(90_000)).getvalue().decode().splitlines()
    cells = lines[80_000].split(",")
    cells[2] = "many"
    lines[80_000] = ",".join(cells)
    report = validate(stream_of("\n".join(lines)), "csv", DATA)
    (found,) = [violation for violation in report.violations if violation.rule == "type"]
    assert (report.rows, found.count, found.rows, found.values) == (90_000, 1, (80_000,), ("many",))


def test_a_hexadecimal_integer_in_csv_is_a_bad_value() -> None:
    lines = csv(trips(50)).getvalue().decode().splitlines()
    cells = lines[30].split(",")
    cells[3] = "0x5"
    lines[30] = ",".join(cells)
    report = validate(stream_of("\n".join(lines)), "csv", DATA)
    assert [(found.rule, found.rows) for found in report.violations if found.column == "stops"] == [("type", (30,))]


def stream_of(text: str) -> Any:
    return io.BytesIO(text.encode())
