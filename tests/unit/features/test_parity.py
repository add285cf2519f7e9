"""What a model learned from and what it is asked with are the same bits, row by row.

The one side is the training job: a Parquet channel. The other is the server: JSON Lines in requests of any size.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from trimtab.authoring.inference import Served, model_fn
from trimtab.authoring.job import Job, run
from trimtab.authoring.records import read_records
from trimtab.evaluation.holdout import Rows
from trimtab.spec import parse_spec

ROWS = 600
COLUMNS = ("whole", "part", "gap", "flag", "maybe", "city", "note", "seen", "gone")
SPEC = parse_spec(
    """
name: parity
data:
  id: id
  event_time: at
  label: y
  columns:
    id: {type: integer}
    at: {type: timestamp}
    whole: {type: integer}
    part: {type: number}
    gap: {type: integer, nullable: true}
    flag: {type: boolean}
    maybe: {type: boolean, nullable: true}
    city: {type: string, nullable: true}
    note: {type: string, nullable: true}
    seen: {type: timestamp}
    gone: {type: timestamp, nullable: true}
    y: {type: integer}
features:
  rules:
    - {columns: [whole, part], steps: [{do: clip, quantiles: [0.01, 0.99]}, {do: log, by: signed}, scale]}
    - {columns: gap, steps: [{do: impute, by: median, indicator: true}, {do: scale, by: robust}]}
    - {columns: part, suffix: _bin, steps: [{do: bin, quantiles: 8}, one_hot]}
    - {columns: [flag, maybe], steps: [{do: impute, by: most_frequent}]}
    - {columns: city, steps: [{do: one_hot, min_share: 0.02}]}
    - {columns: city, suffix: _mean, steps: [{do: target_encode, smoothing: 5}]}
    - {columns: city, suffix: _code, steps: [ordinal]}
    - {columns: note, steps: [{do: hash, by: character, columns: 16}]}
    - {columns: at, steps: [{do: cyclic, parts: [hour, weekday, day_of_year], zone: America/New_York}]}
    - {columns: [seen, gone], steps: [{do: date_parts, parts: [year, month, hour], zone: Asia/Kathmandu}]}
    - {columns: [part, whole], steps: [{do: custom, name: ratio}]}
training: {entry_point: train.py}
"""
)
AUTHOR = "def ratio(columns):\n    return (columns['part'] / columns['whole']).to_frame('ratio')\n"


def table(seed: int, cities: int = 12) -> pa.Table:
    """Rows with gaps; the higher ``cities``, the more levels."""
    random = np.random.default_rng(seed)
    base = np.datetime64("2025-12-20T00:00:00", "us")
    times = base + np.sort(random.integers(0, 40 * 86_400_000_000, ROWS)).astype("timedelta64[us]")
    later = times + random.integers(-(10**12), 10**12, ROWS).astype("timedelta64[us]")
    missing = random.random((4, ROWS)) < 0.1
    names = np.array([f"city {number}" for number in range(cities)] + ["Zürich", "東京", ""], dtype=object)
    frame = {
        "id": pa.array(np.arange(ROWS)),
        "at": pa.array(times, pa.timestamp("us", "UTC")),
        "whole": pa.array(random.integers(-(10**6), 10**6, ROWS) * 2 + 1),
        "part": pa.array(random.normal(0, 1e3, ROWS)),
        "gap": pa.array(random.integers(0, 9, ROWS), mask=missing[0]),
        "flag": pa.array(random.random(ROWS) < 0.5),
        "maybe": pa.array(random.random(ROWS) < 0.5, mask=missing[1]),
        "city": pa.array(random.choice(names, ROWS), mask=missing[2]),
        "note": pa.array([f"Flug {number} spät" for number in random.integers(0, 50, ROWS)], mask=missing[3]),
        "seen": pa.array(later, pa.timestamp("us", "UTC")),
        "gone": pa.array(later, pa.timestamp("us", "UTC"), mask=missing[0]),
        "y": pa.array(random.integers(0, 2, ROWS)),
    }
    return pa.table(frame)


class Seen:
    """What the author's ``fit`` was given first: all training rows. The fit that a threshold is chosen by has fewer."""

    features: pd.DataFrame

    def fit(self, features: pd.DataFrame, label: Any, hyperparameters: Mapping[str, Any], seed: int) -> Any:
        if not hasattr(self, "features"):
            self.features = features
        one = make_column_transformer(("passthrough", [features.select_dtypes("number").columns[0]]))
        return make_pipeline(one, DecisionTreeClassifier(max_depth=1)).fit(features, label)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, pd.DataFrame]:
    """The served model, and its training rows as ``fit`` saw them."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "train").mkdir()
    (folder / "code").mkdir()
    (folder / "code" / "model.json").write_text(SPEC.canonical_json())
    (folder / "code" / "features.py").write_text(AUTHOR)
    pq.write_table(table(1), folder / "train" / "part.parquet")
    seen = Seen()
    run(Job(folder / "train", folder / "model", folder / "code", {}), seen.fit)
    return model_fn(str(folder / "model")), seen.features


def served(model: Served, lines: list[str], size: int) -> pd.DataFrame:
    """What the model is asked with when the lines come in requests of ``size`` lines."""
    requests = ["\n".join(lines[start : start + size]) for start in range(0, len(lines), size)]
    tables = [model.table(read_records(request, model.contract)) for request in requests]
    return pd.concat(tables, ignore_index=True)


def lines_of(rows: pa.Table, model: Served) -> list[str]:
    records = Rows(rows, "y", "at").records(["id", *model.contract.names])
    return [json.dumps(record) for record in records]


def assert_same_bits(left: pd.DataFrame, right: pd.DataFrame) -> None:
    assert list(left.columns) == list(right.columns)
    ours, theirs = (np.ascontiguousarray(frame.to_numpy(dtype=np.float64)) for frame in (left, right))
    assert ours.shape == theirs.shape
    assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("size", [1, 7, ROWS])
@pytest.mark.parametrize(("seed", "cities"), [(1, 12), (2, 40)])
def test_every_row_is_the_same_in_training_and_in_serving(
    trained: tuple[Served, pd.DataFrame], size: int, seed: int, cities: int
) -> None:
    """Seed 1 are the training rows; seed 2 are later rows, with levels that were never seen."""
    model, _ = trained
    rows = table(seed, cities)
    assert model.features is not None
    batch = model.features.transform(model.contract.arrays(rows.to_pandas()))
    assert len(batch) == ROWS
    assert_same_bits(batch, served(model, lines_of(rows, model), size))


def test_what_fit_saw_differs_only_where_a_row_s_own_label_would_leak(trained: tuple[Served, pd.DataFrame]) -> None:
    model, seen = trained
    asked = served(model, lines_of(table(1), model), 100)
    assert_same_bits(seen.drop(columns="city_mean"), asked.drop(columns="city_mean"))
    assert (seen["city_mean"] != asked["city_mean"]).mean() > 0.9


def test_times_in_any_zone_are_the_same_moment(trained: tuple[Served, pd.DataFrame]) -> None:
    model, _ = trained
    line = json.loads(lines_of(table(1).slice(0, 1), model)[0])
    utc = pd.Timestamp(line["seen"])
    zones = [utc, utc.tz_convert("Asia/Kathmandu"), utc.tz_convert("America/New_York")]
    made = served(model, [json.dumps(line | {"seen": time.isoformat()}) for time in zones], 3)
    assert_same_bits(made.iloc[[0, 0]].reset_index(drop=True), made.iloc[[1, 2]].reset_index(drop=True))


def test_the_event_time_is_asked_for_when_a_rule_reads_it(trained: tuple[Served, pd.DataFrame]) -> None:
    model, _ = trained
    assert set(model.contract.names) == {*COLUMNS, "at"}
    assert "at" not in model.table(read_records(lines_of(table(1), model)[0], model.contract)).columns


def test_the_artifact_holds_no_pickle_of_the_transformations(trained: tuple[Served, pd.DataFrame]) -> None:
    model, _ = trained
    assert model.features is not None
    assert model.features.document == json.loads(json.dumps(model.features.document, allow_nan=False))


def test_arrays_by_name_hold_what_the_table_holds(trained: tuple[Served, pd.DataFrame]) -> None:
    model, _ = trained
    assert model.features is not None
    columns = model.contract.arrays(table(2).to_pandas())
    assert_same_bits(pd.DataFrame(model.features.arrays(columns)), model.features.transform(columns))
