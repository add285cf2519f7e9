"""Ten million records of one window through every function: `python -m benchmarks.monitoring.large_window`.

Each function's work is done in a process of its own, on the files that the one before has left: a share is decoded,
the shares are merged, drift is measured, ten million labels are joined, performance is estimated and measured. Told are
the processor seconds and the largest resident memory of each, which is what a Lambda function would need; what S3, the
network and Lambda's start add is not in it.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.monitoring.windows import AT, FolderObjects, alone, decode, many_shares, merge, one_share, spec
from tests.fakes import MemoryLedger
from trimtab.contracts import Window
from trimtab.data.limits import MEGABYTE
from trimtab.data.profile import NumberProfile, Profile, profile_table
from trimtab.monitoring.drift.window import WindowDrift
from trimtab.monitoring.join import Join
from trimtab.monitoring.performance import WindowPerformance
from trimtab.monitoring.tables import record_batches

ENTRY, YESTERDAY = "s3://captures/entry.json", "s3://captures/yesterday.json"
TRUTH = "s3://drops/flights/truth/all.parquet"
BASELINE, SCORES, EVALUATION = (f"s3://artifacts/{name}.json" for name in ("baseline", "scores", "evaluation"))


def window_uri(window: str, file: str) -> str:
    return f"s3://captures/flights/windows/{window}/{file}"


def yesterday(folder: Path) -> int:
    """Megabytes of the first window that was merged, which stands as the one before from now on."""
    objects, entry = FolderObjects(folder), merge(folder)
    stored = objects.path(entry["uri"])
    shares = sum(path.stat().st_size for path in objects.path("s3://temporary/plan").glob("*.parquet"))
    print(f"on disk while merging: shares {shares // MEGABYTE} MB, window {stored.stat().st_size // MEGABYTE} MB")
    stored.rename(stored.with_name("yesterday.parquet"))
    told = entry | {"id": "yesterday", "uri": entry["uri"].replace("window.parquet", "yesterday.parquet")}
    objects.write(YESTERDAY, json.dumps(told).encode())
    return stored.with_name("yesterday.parquet").stat().st_size // MEGABYTE


def merged(folder: Path) -> int:
    """Records of the window, which is stored as its ledger entry; none of them was counted the day before."""
    objects = FolderObjects(folder)
    entry = merge(folder, json.loads(objects.read(YESTERDAY)))
    objects.write(ENTRY, json.dumps(entry).encode())
    return int(entry["rows"])


def prepare(folder: Path) -> None:
    """A version's training profile, its scores and its evaluation, of the first row group; truth for every record."""
    objects: Any = FolderObjects(folder)
    entry = json.loads(objects.read(ENTRY))
    first = next(record_batches(objects, entry["uri"]))
    columns = {name: spec().data.columns[name] for name in spec().monitored}
    objects.write(BASELINE, profile_table(first, columns, spec().data.id).dumps())
    scores = NumberProfile.of(first.column("_score").combine_chunks())
    objects.write(SCORES, Profile(first.num_rows, {"score": scores}).dumps())
    objects.write(EVALUATION, json.dumps(evaluation()).encode())
    random, path = np.random.default_rng(3), objects.path(TRUTH)
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, pa.schema([("flight_id", pa.int64()), ("late15", pa.int64())])) as writer:
        for records in record_batches(objects, entry["uri"], ["flight_id", "_score"]):
            labels = random.random(records.num_rows) < records.column("_score").to_numpy()
            table = pa.table([records.column("flight_id"), pa.array(labels.astype(np.int64))], writer.schema.names)
            writer.write_table(table.take(pa.array(random.permutation(table.num_rows))))


def evaluation() -> dict[str, Any]:
    """As an evaluation says it: intervals, calibration, and ten declared slices."""
    names = [f"origin={name}" for name in ("EWR", "JFK", "LGA")]
    names += [f"carrier={name}" for name in ("UA", "AA", "DL", "B6", "EV", "MQ", "WN")]
    slices = [
        {
            "name": name,
            "columns": [name.partition("=")[0]],
            "declared": True,
            "metrics": {"auc": 0.83},
            "interval": [0.82, 0.84],
        }
        for name in names
    ]
    drawn = {"confidence": 0.95, "blocks": {"design_effect": 1.0}}
    straight = {
        "intercept": {"value": 0.0, "lo": -0.02, "hi": 0.02},
        "slope": {"value": 1.0, "lo": 0.97, "hi": 1.03},
    }
    found = {"bootstrap": drawn, "intervals": {"candidate": {"auc": [0.82, 0.84]}}, "slices": slices}
    return found | {"calibration": straight}


def ledger(folder: Path) -> MemoryLedger:
    """What the functions before have written."""
    objects, found = FolderObjects(folder), MemoryLedger()
    entry = json.loads(objects.read(ENTRY))
    published = {"version": 1, "baseline_uri": BASELINE, "scores_profile_uri": SCORES, "evaluation_uri": EVALUATION}
    published["metrics"] = {"auc": 0.83, "log_loss": 0.5}
    found.append("baseline.published", "p1", published, AT, "benchmark")
    found.append("window.collected", entry["id"], entry, AT, "benchmark")
    truth = {"kind": "truth", "uri": TRUTH, "version": "", "sha256": "t", "rows": entry["rows"], "labelled": True}
    found.append("drop.accepted", "t", truth, AT, "benchmark")
    return found


def parts(folder: Path) -> dict[str, Any]:
    """What every measuring function is made of."""
    objects: Any = FolderObjects(folder)
    return {"spec": spec(), "objects": objects, "ledger": ledger(folder), "window_uri": window_uri}


def _window(folder: Path) -> Window:
    return Window.model_validate(json.loads(FolderObjects(folder).read(ENTRY)))


def drift(folder: Path) -> Any:
    """Largest PSI."""
    return WindowDrift(**parts(folder)).measured(_window(folder))["max_psi"]


def join(folder: Path) -> int:
    """Labels that were joined."""
    at = AT + timedelta(days=1)
    return sum(each["rows"] for each in Join(subject="join", at=at, **parts(folder)).join())


def estimate(folder: Path) -> Any:
    """The estimated metric."""
    return WindowPerformance(**parts(folder)).estimated(_window(folder))["estimate"]


def quality(folder: Path) -> Any:
    """The measured metric."""
    window = _window(folder)
    return WindowPerformance(**parts(folder)).measured(window, window_uri(window.id, "joined.parquet"))["auc"]


def tell(name: str, work: Callable[..., Any], *arguments: Any) -> Any:
    """The work's answer; what it took is printed."""
    answer, spent, lasted, megabytes = alone(work, *arguments)
    print(f"| {name} | {answer} | {spent:.1f} | {lasted:.1f} | {megabytes} |", flush=True)
    return answer


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--records", type=int, default=10_000_000)
    asked.add_argument("--megabytes", type=float, default=96)
    arguments = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="windows-") as scratch:
        folder = Path(scratch)
        rows, *_ = alone(one_share, folder, arguments.megabytes)
        print("| function | answer | processor s | s | peak MB |\n|---|---|---|---|---|")
        tell("decode_share, one share", decode, folder)
        shares, *_ = alone(many_shares, folder, arguments.records, rows)
        tell(f"collect_window, {shares} shares merged, the first window", yesterday, folder)
        alone(many_shares, folder, arguments.records, rows, 1)
        tell(f"collect_window, {shares} shares merged after another such day", merged, folder)
        alone(prepare, folder)
        tell("measure_drift", drift, folder)
        tell("join_truth", join, folder)
        tell("measure_quality, the estimate", estimate, folder)
        tell("measure_quality", quality, folder)


if __name__ == "__main__":
    main()
