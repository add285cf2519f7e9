"""Drift, truth and quality of production, from captured traffic to the metrics that alarms watch."""

import io
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.functions.scene import Scene, function, tiny_spec
from tests.unit.monitoring.captured import capture_uri, request_line
from trimtab.data.profile import NumberProfile, Profile, profile_table, profiled_columns
from trimtab.telemetry import Metric

ROWS = 2000
KINDS = np.array(["a", "b", "c"])
Table = dict[str, Any]


def population(seed: int, *, low: float = 0.0, first: int = 0) -> Table:
    """Rows of the tiny model; ``low`` moves x upwards from an even spread over 0 to 1."""
    random = np.random.default_rng(seed)
    x = low + (1 - low) * random.random(ROWS)
    return {"row": np.arange(first, first + ROWS), "x": x, "kind": KINDS[random.integers(0, 3, ROWS)]}


def truth_of(rows: Table, seed: int = 5) -> Any:
    return (np.random.default_rng(seed).random(ROWS) < rows["x"]).astype("int64")


class Production:
    """A scene in which versions serve and their traffic is captured."""

    def __init__(self) -> None:
        self.scene = Scene()

    def serve(self, version: int, auc: float = 0.8) -> None:
        """``version`` is the champion; it was trained on an even spread of x."""
        baseline, scores = f"s3://artifacts/tiny/datasets/d{version}/baseline.json", f"s3://artifacts/tiny/s{version}"
        rows = population(version)
        profile = profile_table(pa.table({"x": rows["x"], "kind": rows["kind"]}), profiled_columns(tiny_spec().data))
        self.scene.objects.write(baseline, profile.dumps())
        score = Profile(ROWS, {"score": NumberProfile.of(pa.array(rows["x"]))})
        self.scene.objects.write(scores, score.dumps())
        data = {"version": version, "baseline_uri": baseline, "scores_profile_uri": scores, "metrics": {"auc": auc}}
        ledger, now = self.scene.ledger, self.scene.now
        ledger.append("rollout.serving", f"p{version}", {"version": version, "live_config": f"c{version}"}, now, "test")
        ledger.append("baseline.published", f"p{version}", data, now, "test", state={"champion": {"version": version}})

    def traffic(self, rows: Table, version: int = 1, count: int = ROWS) -> None:
        records = [{"row": int(i), "x": float(x), "kind": str(k)} for i, x, k in zip(*rows.values(), strict=True)]
        body = request_line(f"e{records[0]['row']}", self.scene.now, records[:count], rows["x"][:count], version)
        self.scene.objects.write(capture_uri(self.scene.now, f"f{records[0]['row']}"), body)

    def truth(self, rows: Table, name: str, label: Any, file_format: str = "parquet") -> None:
        """A truth file that intake has accepted."""
        uri = f"s3://drops/tiny/truth/{name}.{file_format}"
        table = pa.table({"row": rows["row"], "y": pa.array(label, pa.int64())})
        packed = io.BytesIO()
        pq.write_table(table, packed)
        body = packed.getvalue()
        if file_format == "csv":
            pairs = zip(rows["row"], label, strict=True)
            body = ("row,y\n" + "".join(f"{i},{'' if y is None else y}\n" for i, y in pairs)).encode()
        self.scene.objects.write(uri, body)
        head = self.scene.objects.head(uri)
        assert head is not None
        data = {"kind": "truth", "uri": uri, "version": head.version, "sha256": name, "rows": ROWS, "labelled": True}
        self.scene.ledger.append("drop.accepted", name, data, self.scene.now, "test")

    def run(self) -> dict[str, Any]:
        """The monitoring machine once, as its definition calls the functions."""
        collected = self._call("collect_window")
        window = collected["window"]
        drift = self._call("measure_drift", window=window) if window else None
        joined = self._call("join_truth")["joined"]
        quality = self._call("measure_quality", joined=joined)
        published = self._call("publish_metrics", window=window, drift=drift, quality=quality)
        return {"window": window, "drift": drift, "joined": joined, "quality": quality["windows"], **published}

    def _call(self, name: str, **parts: Any) -> dict[str, Any]:
        module = function(name)
        event = module.handler._model.model_validate(self.scene.event(self.scene.now.isoformat(), **parts))
        result = module.handler.call(event, self.scene.runtime)
        assert len(json.dumps(result)) < 32_000
        return dict(result)

    def points(self, metric: Metric) -> list[float]:
        return [value for name, value, _ in self.scene.metrics.points if name is metric]


@pytest.fixture
def production() -> Production:
    made = Production()
    made.serve(1)
    return made


def test_traffic_like_the_training_rows_does_not_drift(production: Production) -> None:
    production.traffic(population(11))
    drift = production.run()["drift"]
    assert drift["judged"] is True
    assert drift["max_psi"] < 0.05
    assert drift["prediction_psi"] < 0.05
    assert drift["drifted"] == []


def test_traffic_that_moved_is_told_by_column(production: Production) -> None:
    production.traffic(population(11, low=0.5))
    drift = production.run()["drift"]
    assert drift["drifted"] == ["x"]
    assert drift["max_psi"] == drift["columns"]["x"] > 1
    assert drift["columns"]["kind"] < 0.05
    assert drift["prediction_psi"] > 1
    assert production.points(Metric.PSI_MAX) == [drift["max_psi"]]
    assert production.points(Metric.PSI_PREDICTION) == [drift["prediction_psi"]]
    assert production.points(Metric.READING) == [1]


def test_a_window_that_is_too_thin_is_not_judged_but_is_a_reading(production: Production) -> None:
    production.traffic(population(11, low=0.5), count=49)
    drift = production.run()["drift"]
    assert (drift["judged"], drift["max_psi"]) == (False, None)
    assert drift["reason"] == "49 rows, fewer than 50"
    assert production.points(Metric.PSI_MAX) == []
    assert production.points(Metric.READING) == [1]


def test_a_window_is_compared_with_the_baseline_of_the_version_that_answered(production: Production) -> None:
    production.traffic(population(11, low=0.5))
    production.serve(2)
    drift = production.run()["drift"]
    assert drift["version"] == 1
    assert drift["drifted"] == ["x"]
    assert production.points(Metric.PSI_MAX) == []  # version 2 serves, so version 1's drift rings no alarm


def test_a_version_without_a_baseline_is_not_judged(production: Production) -> None:
    production.traffic(population(11), version=9)
    drift = production.run()["drift"]
    assert drift["reason"] == "version 9 has no published baseline"


def test_truth_that_comes_later_is_joined_and_measured(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    assert production.run()["joined"] == []
    production.scene.later(days=14)
    production.truth(rows, "january", truth_of(rows))
    found = production.run()
    assert found["window"] is None
    assert found["joined"][0]["coverage"] == 1.0
    quality = found["quality"][0]
    assert quality["n"] == ROWS
    assert quality["auc"] == pytest.approx(0.83, abs=0.03)  # the area for y ~ Bernoulli(x), x even on 0..1, is 5/6
    assert quality["rate"] == pytest.approx(0.5, abs=0.05)
    assert quality["drop"] == pytest.approx(0.8 - quality["auc"])
    assert production.points(Metric.QUALITY_DROP) == [quality["drop"]]
    assert production.scene.ledger.entries("quality.measured")[0].data["n"] == ROWS


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_truth_in_parts_is_joined_cumulatively(production: Production, file_format: str) -> None:
    rows, label = population(11), list(truth_of(population(11)))
    half = ROWS // 2
    production.traffic(rows)
    production.truth(rows, "first", [*label[:half], *[None] * half], file_format)
    assert production.run()["quality"][0]["n"] == half
    production.scene.later(days=1)
    production.truth(rows, "second", [*[None] * half, *label[half:]], file_format)
    assert production.run()["quality"][0]["n"] == ROWS
    production.scene.later(days=1)
    assert production.run()["quality"] == []
    assert [e.data["n"] for e in production.scene.ledger.entries("quality.measured")] == [half, ROWS]


def test_truth_that_came_before_the_window_was_collected_is_joined_too(production: Production) -> None:
    rows = population(11)
    production.truth(rows, "early", truth_of(rows))
    production.scene.later(days=1)
    production.traffic(rows)
    assert production.run()["quality"][0]["n"] == ROWS


def test_a_corrected_label_replaces_the_earlier_one(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.truth(rows, "wrong", 1 - truth_of(rows))
    worse = production.run()["quality"][0]["auc"]
    production.scene.later(days=1)
    production.truth(rows, "right", truth_of(rows))
    assert production.run()["quality"][0]["auc"] > 0.8 > 0.2 > worse


def test_truth_of_one_class_only_is_measured_without_an_auc(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.truth(rows, "ones", np.ones(ROWS, "int64"))
    quality = production.run()["quality"][0]
    assert quality["auc"] is None
    assert quality["drop"] is None
    assert production.points(Metric.QUALITY_DROP) == []


def test_quality_of_an_earlier_version_is_recorded_but_rings_no_alarm(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.run()
    production.serve(2)
    production.scene.later(days=14)
    production.truth(rows, "late", truth_of(rows))
    assert production.run()["quality"][0]["version"] == 1
    assert production.points(Metric.QUALITY) == []
    assert len(production.scene.ledger.entries("quality.measured")) == 1


def test_a_repeated_run_records_everything_once(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.truth(rows, "now", truth_of(rows))
    first = production.run()
    second = production.run()
    assert first == second
    kinds = [entry.kind for entry in production.scene.ledger.entries()]
    for kind in ("window.collected", "window.measured", "truth.joined", "quality.measured"):
        assert kinds.count(kind) == 1, kind


def test_many_windows_are_joined_in_portions_and_none_is_forgotten(production: Production) -> None:
    rows = population(11)
    parts = np.array_split(np.arange(ROWS), 45)
    for part in parts:
        production.traffic({name: values[part] for name, values in rows.items()}, count=len(part))
        production.run()
        production.scene.later(hours=1)
    production.truth(rows, "all", truth_of(rows))
    joined: list[str] = []
    for expected in (40, 5, 0):
        found = production.run()["joined"]
        assert len(found) == expected
        joined += [each["window"] for each in found]
        production.scene.later(hours=1)
    assert len(set(joined)) == 45


def test_truth_far_beyond_its_horizon_is_not_joined(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.run()
    production.scene.now += timedelta(days=200)
    production.truth(rows, "forgotten", truth_of(rows))
    assert production.run()["joined"] == []
