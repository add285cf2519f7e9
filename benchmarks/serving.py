"""`python -m benchmarks.serving`: one request of one row, by the stored ONNX file and by the pickle that is not served.

Both ways answer the same record with the same code around them (checked, scored, written), each in a process of its
own, in turn. ``bare`` is the estimator's ``predict_proba`` on a ready table, without reading or writing anything.
Printed as well: what each process imports and loads first, and the sizes of what a version carries.
"""

import json
import os
import pickle
import platform
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from benchmarks.training import PYTHON
from stacks.job_kit import built_kit
from stacks.layers import columnar_recipe, runtime_recipe
from stacks.packaging import built_layer, size_of
from tests.fixtures import tiny
from trimtab.artifact.untar import extract
from trimtab.authoring.bundle import build_bundle
from trimtab.authoring.export.int8 import to_int8
from trimtab.authoring.job import Job, run, save_libraries
from trimtab.authoring.predictors import LIBRARIES

TURNS, REQUESTS = 3, 100
LIBRARY = Path(__file__).resolve().parents[1] / "layers" / "runtime"
WAY = """
import json, sys, time
begun = time.process_time()
from pathlib import Path
folder, way, requests = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
from trimtab.authoring.inference import Served, model_fn
if way == "onnx":
    served = model_fn(str(folder))
else:
    import pickle
    from trimtab.authoring.contract import Contract
    from trimtab.authoring.predictors import TablePredictor
    model = pickle.loads((folder.parent / "model.pkl").read_bytes())
    served = Served(TablePredictor(model, "binary"), Contract.read(folder))
body = (folder.parent / "record.json").read_text()
if way == "bare":
    table = served.contract.conform({name: [json.loads(body)[name]] for name in served.contract.names})
    ask = lambda: model.predict_proba(table)
else:
    ask = lambda: served.answer(body)
ask()
loaded = time.process_time() - begun
taken = []
for _ in range(requests):
    before = time.process_time()
    ask()
    taken.append(time.process_time() - before)
taken.sort()
p50, p99 = (taken[int(len(taken) * part)] * 1e3 for part in (0.5, 0.99))
print(json.dumps({"load_s": loaded, "p50_ms": p50, "p99_ms": p99}))
"""
WAYS = ("onnx", "pickle", "bare")


def main() -> None:
    """The figures have been printed."""
    with tempfile.TemporaryDirectory(prefix="serving-") as scratch:
        folder = make_version(Path(scratch))
        print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, {platform.machine()}", end=", ")
        print(f"the scikit-learn image's packages, load {os.getloadavg()[0]:.1f}; CPU time, median of {TURNS} turns")
        print_ways(folder)
        print_sizes(folder)


def make_version(scratch: Path) -> Path:
    """A model folder as the training job leaves it, with the same model as a pickle beside it."""
    train = scratch / "train"
    train.mkdir()
    tiny.month(1, rows=5_000).to_pandas().to_parquet(train / "part.parquet")
    (scratch / "model.json").write_text(tiny.SPEC.canonical_json())
    job = Job(train, scratch / "model", scratch, {}, scratch / "none", scratch / "none")
    kept = Kept(scratch / "model.pkl")
    run(job, lambda *given: kept.keep(fit(*given), rows=len(given[0])))
    with tarfile.open(built_kit()) as kit:
        extract(kit, scratch / "kit")
    save_libraries("onnx", scratch / "kit" / "cp312", job.model / LIBRARIES)
    record = {"id": 1, "load": 60.0, "heat": None, "age": 3, "site": "west"}
    (scratch / "record.json").write_text(json.dumps(record))
    return job.model


def fit(features: pd.DataFrame, label: "pd.Series[Any]", hyperparameters: Mapping[str, Any], seed: int) -> Any:
    """Boosted trees behind one-hot columns: what the flights model is."""
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["site"]), remainder="passthrough")
    trees = HistGradientBoostingClassifier(max_iter=100, random_state=seed)
    return make_pipeline(columns, trees).fit(features, label)


@dataclass
class Kept:
    """The pickle of the fit on the most rows, which is served; the job also fits on fewer, to choose a threshold."""

    path: Path
    rows: int = 0

    def keep(self, model: Any, rows: int) -> Any:
        """The model itself."""
        if rows > self.rows:
            self.path.write_bytes(pickle.dumps(model))
            self.rows = rows
        return model


def print_ways(folder: Path) -> None:
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(TURNS):
        for way in WAYS:
            found[way].append(measure(folder, way))
    base = found["onnx"]
    print(f"\n{'way':<10}{'p50 ms':>9}{'x onnx':>9}{'p99 ms':>9}{'load s':>9}{'x onnx':>9}")
    for way, turns in found.items():
        times = [statistics.median(turn[name] for turn in turns) for name in ("p50_ms", "p99_ms", "load_s")]
        slower, later = (ratio(turns, base, name) for name in ("p50_ms", "load_s"))
        print(f"{way:<10}{times[0]:>9.3f}{slower:>9.1f}{times[1]:>9.3f}{times[2]:>9.2f}{later:>9.1f}")


def ratio(turns: list[dict[str, float]], base: list[dict[str, float]], name: str) -> float:
    """Median over the turns, each of which measured both ways one after the other."""
    return statistics.median(mine[name] / its[name] for mine, its in zip(turns, base, strict=True))


def measure(folder: Path, way: str) -> dict[str, float]:
    """One process that loads the model and answers."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(LIBRARY), "OMP_NUM_THREADS": "1"}
    argv = [str(PYTHON), "-c", WAY, str(folder), way, str(REQUESTS)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def print_sizes(folder: Path) -> None:
    archive = folder.parent / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, ".")
    model = (folder / "model.onnx").read_bytes()
    libraries = sum(path.stat().st_size for path in (folder / "code" / "lib").rglob("*") if path.is_file())
    print(f"\n{'artifact (model.tar.gz)':<42}{archive.stat().st_size / 1e6:>8.2f} MB")
    print(f"{'  of it unpacked: onnxruntime':<42}{libraries / 1e6:>8.2f} MB")
    print(f"{'  model.onnx':<42}{len(model) / 1e3:>8.1f} kB")
    print(f"{'  the same in eight bits':<42}{len(to_int8(model)) / 1e3:>8.1f} kB")
    print(f"{'  the pickle of the same model':<42}{(folder.parent / 'model.pkl').stat().st_size / 1e3:>8.1f} kB")
    print(f"{'job kit':<42}{built_kit().stat().st_size / 1e6:>8.2f} MB")
    for recipe in (runtime_recipe("x86_64"), columnar_recipe("x86_64")):
        print(f"{'layer ' + recipe.name + ', unpacked':<42}{size_of(built_layer(recipe)) / 1e6:>8.2f} MB")
    print(f"{'source bundle of the jobs':<42}{len(bundle()) / 1e6:>8.2f} MB")


def bundle() -> bytes:
    """What a job of the fixture model gets as its code."""
    return build_bundle(tiny.FOLDER, tiny.LIBRARY, tiny.SPEC.canonical_json(), "train.py")


if __name__ == "__main__":
    main()
