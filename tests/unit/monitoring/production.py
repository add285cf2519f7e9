"""Versions that serve and traffic that is captured, for the functions that monitor it."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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

    def serve(self, version: int, auc: float = 0.8, evaluation: dict[str, Any] | None = None) -> None:
        """``version`` is the champion; it was trained on an even spread of x, and evaluated so if that is given."""
        baseline, scores = f"s3://artifacts/tiny/datasets/d{version}/baseline.json", f"s3://artifacts/tiny/s{version}"
        rows = population(version)
        profile = profile_table(pa.table({"x": rows["x"], "kind": rows["kind"]}), profiled_columns(tiny_spec().data))
        self.scene.objects.write(baseline, profile.dumps())
        score = Profile(ROWS, {"score": NumberProfile.of(pa.array(rows["x"]))})
        self.scene.objects.write(scores, score.dumps())
        data = {"version": version, "baseline_uri": baseline, "scores_profile_uri": scores, "metrics": {"auc": auc}}
        if evaluation is not None:
            data["evaluation_uri"] = f"s3://artifacts/tiny/runs/r{version}/evaluation.json"
            self.scene.objects.write(data["evaluation_uri"], json.dumps(evaluation).encode())
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
        numbers = isinstance(label, np.ndarray) and label.dtype.kind == "f"
        table = pa.table({"row": rows["row"], "y": pa.array(label, pa.float64() if numbers else pa.int64())})
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
        collected = self.call("collect_window")
        window = collected["window"]
        drift = self.call("measure_drift", window=window) if window else None
        joined = self.call("join_truth")["joined"]
        quality = self.call("measure_quality", window=window, joined=joined)
        published = self.call("publish_metrics", window=window, drift=drift, quality=quality)
        return {"window": window, "drift": drift, "joined": joined, "quality": quality["windows"], **published}

    def call(self, name: str, **parts: Any) -> dict[str, Any]:
        module = function(name)
        event = module.handler._model.model_validate(self.scene.event(self.scene.now.isoformat(), **parts))
        result = module.handler.call(event, self.scene.runtime)
        assert len(json.dumps(result)) < 32_000
        return dict(result)

    def points(self, metric: Metric) -> list[float]:
        return [value for name, value, _ in self.scene.metrics.points if name is metric]
