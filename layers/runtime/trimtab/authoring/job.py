"""The training job: reads the train channel, calls the author's ``fit``, stores a model that serves itself."""

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trimtab.authoring.contract import Contract
from trimtab.authoring.inference import MODEL_FILE
from trimtab.authoring.names import METRICS, OBJECTIVE, SPEC_FILE
from trimtab.authoring.transformations import learn
from trimtab.authoring.trial import is_trial, try_out

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

INFERENCE = "from trimtab.authoring.inference import model_fn, transform_fn  # noqa: F401\n"


class Classifier(Protocol):
    """What ``fit`` returns, for example a scikit-learn Pipeline."""

    def predict_proba(self, features: "pd.DataFrame", /) -> "np.ndarray[Any, Any]":
        """Shape (rows, 2); the second column is the probability of the label 1."""
        ...


Fit = Callable[["pd.DataFrame", "pd.Series[int]", Mapping[str, Any], int], Classifier]
"""(features, label, hyperparameters, seed) → a fitted classifier."""


@dataclass(frozen=True)
class Job:
    """Where a SageMaker training job finds and leaves its things."""

    train: Path
    model: Path
    code: Path
    """Folder of the unpacked source bundle."""
    hyperparameters: Mapping[str, Any]
    is_trial: bool = False
    """Whether it is one of a search's, which is measured and not kept."""

    @classmethod
    def of_environment(cls, environment: Mapping[str, str], code: Path) -> "Job":
        """The job described by the training toolkit's SM_ variables, with SageMaker's paths where one is not set."""
        return cls(
            Path(environment.get("SM_CHANNEL_TRAIN", "/opt/ml/input/data/train")),
            Path(environment.get("SM_MODEL_DIR", "/opt/ml/model")),
            code,
            json.loads(environment.get("SM_HPS", "{}")),
            is_trial(environment),
        )


def train(fit: Fit) -> None:
    """The model that ``fit`` returns is stored in the job's model folder, and its metrics are printed.

    Called by the author's train.py. Reads the toolkit's environment; everything below it takes arguments.
    """
    script = Path(sys.modules[fit.__module__].__file__ or "train.py").resolve()
    run(Job.of_environment(os.environ, script.parent), fit)


def run(job: Job, fit: Fit) -> dict[str, float]:
    """The job is done; returns the metrics that were printed, named as in METRICS."""
    spec = json.loads((job.code / SPEC_FILE).read_text(encoding="utf-8"))
    contract = Contract.of_spec(spec)
    table = read_channel(job.train)
    hyperparameters = spec["training"]["hyperparameters"] | _own(job.hyperparameters)
    seed = int(spec["training"]["seed"])
    seed_everything(seed)
    if job.is_trial:
        worth = try_out(spec, contract, table, job.code, lambda rows, label: fit(rows, label, hyperparameters, seed))
        return {OBJECTIVE: worth}
    fitted, features = learn(spec, contract, table, job.code)
    label = table[contract.label].astype("int64")
    started = time.perf_counter()
    model = fit(features, label, hyperparameters, seed)
    seconds = time.perf_counter() - started
    save(model, replace(contract, trained_until=_last(table, contract)), job)
    if fitted:
        fitted.write(job.model)
    return report(model, features, label, seconds)


def _own(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """The author's hyperparameters, without those that the toolkit reads itself."""
    return {key: value for key, value in hyperparameters.items() if not key.startswith("sagemaker_")}


def _last(table: "pd.DataFrame", contract: Contract) -> str | None:
    return None if contract.event_time is None else str(table[contract.event_time].max().isoformat())


def read_channel(folder: Path) -> "pd.DataFrame":
    """All Parquet files of a channel, in order of their names."""
    import pandas as pd

    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise SystemExit(f"no Parquet file in {folder}: is the train channel set to the dataset's train/ prefix?")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def seed_everything(seed: int) -> None:
    """Python's and NumPy's global generators start from ``seed``."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)


def save(model: Classifier, contract: Contract, job: Job) -> None:
    """The model folder holds all that serving needs: the model, its contract and the code that reads both."""
    import joblib

    job.model.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, job.model / MODEL_FILE, compress=3)
    contract.write(job.model)
    save_code(job.code, job.model / "code")


def save_code(source: Path, target: Path) -> None:
    """``target`` holds inference.py, the author's other modules, and this library's serving part."""
    library = Path(__file__).resolve().parents[1]
    shutil.rmtree(target, ignore_errors=True)
    package = target / library.name
    package.mkdir(parents=True)
    for name in ("__init__.py", "errors.py"):
        shutil.copyfile(library / name, package / name)
    for name in ("authoring", "features"):
        shutil.copytree(library / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    (target / "inference.py").write_text(INFERENCE, encoding="utf-8")
    for name in ("features.py", "inference.py"):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)


def report(model: Classifier, features: "pd.DataFrame", label: "pd.Series[int]", seconds: float) -> dict[str, float]:
    """The metrics on the training rows, printed one a line as ``name=value`` for MetricDefinitions."""
    from trimtab.evaluation.metrics import measure

    scores = measure(label.to_numpy(), model.predict_proba(features)[:, 1])
    found = dict(
        zip(METRICS, (float(len(label)), scores["auc"], scores["log_loss"], seconds), strict=True),
    )
    for name, value in found.items():
        print(f"{name}={value:.6g}", flush=True)
    return found
