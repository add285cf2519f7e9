"""The evaluation job as a process, from the bundle that ships: a candidate and a champion on many hold-out rows.

The models are made by the training job of the same bundle. Measured are wall and CPU seconds of the evaluation and of
its children, and the most memory that all its processes held at one moment (resident, looked at twenty times a second;
pages that they share are counted for each).
"""

import contextlib
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.evaluation.speed import made_table, read_spec
from trimtab import evaluation
from trimtab.artifact.untar import extract
from trimtab.authoring.bundle import build_bundle

LIBRARY = Path(evaluation.__file__).parents[1]
TRAINED_ROWS = 100_000
LOOK_S = 0.05
AUTHOR = """
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from trimtab.authoring import train


def fit(features, label, hyperparameters, seed):
    texts = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["site", "line"]),
        remainder="passthrough",
    )
    return make_pipeline(texts, HistGradientBoostingClassifier(max_iter=60, random_state=seed)).fit(features, label)


if __name__ == "__main__":
    train(fit)
"""


@dataclass(frozen=True)
class Cost:
    """What a process and its children took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def print_whole_job(rows: int, rounds: int, profile: str | None = None) -> None:
    """Seconds and memory of the evaluation job."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _prepare(root, rows, rounds)
        _make_models(root)
        before = os.getloadavg()[0]
        profiled = ["-m", "cProfile", "-o", profile] if profile else []
        command = [*profiled, "evaluate.py", "--base", str(root / "processing"), "--run", "run"]
        cost = _run(root / "code", command, {})
    print(f"{rows:,} rows, {rounds} rounds, load {before:.1f}")
    print(f"evaluation job: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU s, all processes {cost.peak_mb:.0f} MB at most")


def _prepare(root: Path, rows: int, rounds: int) -> None:
    """Unpacked bundle and dataset."""
    author = root / "author"
    author.mkdir()
    (author / "train.py").write_text(AUTHOR)
    bundle = build_bundle(author, LIBRARY, read_spec(rounds).canonical_json(), "train.py")
    with tarfile.open(fileobj=io.BytesIO(bundle)) as packed:
        extract(packed, root / "code")
    random = np.random.default_rng(0)
    for part, count in {"train": TRAINED_ROWS, "holdout": rows}.items():
        (root / "processing" / part).mkdir(parents=True)
        pq.write_table(made_table(count, random), root / "processing" / part / "part.parquet")


def _make_models(root: Path) -> None:
    """The champion learned from the older half of the rows, the candidate from all."""
    train = root / "processing" / "train" / "part.parquet"
    whole = pq.read_table(train)
    for name, rows in (("champion", whole.slice(0, TRAINED_ROWS // 2)), ("candidate", whole)):
        pq.write_table(rows, train)
        channels = {"SM_CHANNEL_TRAIN": str(train.parent), "SM_MODEL_DIR": str(root / "model")}
        _run(root / "code", ["train.py"], channels)
        (root / "processing" / name).mkdir()
        with tarfile.open(root / "processing" / name / "model.tar.gz", "w:gz", compresslevel=1) as packed:
            packed.add(root / "model", ".")
        shutil.rmtree(root / "model")


def _run(folder: Path, argv: list[str], environment: dict[str, str]) -> Cost:
    used, started = _cpu(), time.perf_counter()
    process = subprocess.Popen([sys.executable, *argv], cwd=folder, env={"PATH": os.environ["PATH"]} | environment)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    code = process.wait()
    watcher.join()
    if code:
        raise SystemExit(f"{argv[0]} ended with {code}")
    return Cost(time.perf_counter() - started, _cpu() - used, peak[0])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: "subprocess.Popen[bytes]", peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(map(_resident_mb, _family(process.pid))))
        time.sleep(LOOK_S)


def _family(pid: int) -> list[int]:
    """A process and its children; those that end meanwhile are left out."""
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return [pid, *children]


def _resident_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
    return 0.0
