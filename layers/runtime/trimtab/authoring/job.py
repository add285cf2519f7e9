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

from trimtab.artifact.model_files import EDGE_FILE, ONNX_FILE
from trimtab.authoring.cluster import Cluster
from trimtab.authoring.contract import Contract
from trimtab.authoring.kit import CHANNEL, use_kit
from trimtab.authoring.names import OBJECTIVE, SPEC_FILE
from trimtab.authoring.predictors import LIBRARIES, scores_of
from trimtab.authoring.transformations import learn
from trimtab.authoring.trial import FitOf, is_trial, measures, try_out
from trimtab.authoring.validation import store_threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from trimtab.features import FittedFeatures

INFERENCE = "from trimtab.authoring.inference import model_fn, transform_fn  # noqa: F401\n"
NATIVE_SCORES, NATIVE_IDS = "native_scores.npy", "native_ids.npy"
"""The trained model's own answers to the hold-out, and by the same places the ids of its rows as texts."""
SERVING_PACKAGES = {
    "onnx": (("onnxruntime",), ("libonnxruntime.so*", "tools", "transformers", "quantization", "datasets", "backend")),
    "skops": (("skops",), ("tests", "card", "cli", "hub_utils")),
}
"""By form of the model: packages that serve it, and the parts of them that do not."""


class Classifier(Protocol):
    """What ``fit`` returns for a binary or multiclass problem, for example a scikit-learn Pipeline."""

    def predict_proba(self, features: "pd.DataFrame", /) -> "np.ndarray[Any, Any]":
        """Shape (rows, classes); of a binary problem the second column is the probability of the label 1."""
        ...


class Regressor(Protocol):
    """What ``fit`` returns for a regression."""

    def predict(self, features: "pd.DataFrame", /) -> "np.ndarray[Any, Any]":
        """Shape (rows,)."""
        ...


Model = Classifier | Regressor
Fit = Callable[["pd.DataFrame", "pd.Series[Any]", Mapping[str, Any], int], Model]
"""(features, label, hyperparameters, seed) → a fitted estimator."""


@dataclass(frozen=True)
class Job:
    """Where a SageMaker training job finds and leaves its things."""

    train: Path
    model: Path
    code: Path
    """Folder of the unpacked source bundle."""
    hyperparameters: Mapping[str, Any]
    holdout_features: Path = Path("/opt/ml/input/data/holdout_features")
    """The rows that the evaluation will judge on, without their labels. Nothing reads them before ``fit`` is done."""
    kit: Path = Path("/opt/ml/input/data/kit")
    """Packages that the image lacks."""
    is_trial: bool = False
    """Whether it is one of a search's, which is measured and not kept."""
    is_first: bool = True
    """Whether this is the host whose model is kept."""
    is_alone: bool = True
    """Whether it is the only host: ``fit`` runs on all hosts or on none."""

    @classmethod
    def of_environment(cls, environment: Mapping[str, str], code: Path) -> "Job":
        """The job described by the training toolkit's SM_ variables, with SageMaker's paths where one is not set."""
        hosts = Cluster.of_environment(environment)
        return cls(
            Path(environment.get("SM_CHANNEL_TRAIN", "/opt/ml/input/data/train")),
            Path(environment.get("SM_MODEL_DIR", "/opt/ml/model")),
            code,
            json.loads(environment.get("SM_HPS", "{}")),
            Path(environment.get("SM_CHANNEL_HOLDOUT_FEATURES", cls.holdout_features)),
            Path(environment.get("SM_CHANNEL_KIT", cls.kit)),
            is_trial(environment),
            hosts.is_first,
            len(hosts.hosts) == 1,
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
    label = label_of(table, contract)
    started = time.perf_counter()
    model = fit(features, label, hyperparameters, seed)
    seconds = time.perf_counter() - started
    if not job.is_first:
        return {}
    contract = replace(contract, trained_until=_last(table, contract), classes=classes_of(model, contract))
    save(model, contract, features, spec, job)
    if fitted:
        fitted.write(job.model)
    if job.is_alone:
        again = seeded(seed, lambda rows, truth: fit(rows, truth, hyperparameters, seed))
        store_threshold(spec, contract, table, job.code, again, job.model)
    store_native_scores(model, contract, fitted, job)
    return report(spec, model, features, label, seconds)


def label_of(table: "pd.DataFrame", contract: Contract) -> "pd.Series[Any]":
    """The label as ``fit`` gets it: 0 and 1, a number, or classes as they are in the data."""
    column = table[contract.label]
    if contract.problem == "multiclass":
        return column if column.dtype.kind in "iu" else column.astype("int64" if column.dtype.kind in "bf" else object)
    return column.astype("int64" if contract.problem == "binary" else "float64")


def classes_of(model: Model, contract: Contract) -> tuple[Any, ...] | None:
    """Values of the label in the order of the model's probabilities. Raises SystemExit for a model that names none."""
    if contract.problem == "regression":
        return None
    classes = getattr(model, "classes_", None)
    if classes is None:
        raise SystemExit("fit returned a classifier without classes_: wrap it in a scikit-learn estimator")
    if contract.problem == "binary" and list(classes) != [0, 1]:
        raise SystemExit(f"the training rows hold the label {list(classes)} only; a binary model learns from 0 and 1")
    return tuple(each.item() if hasattr(each, "item") else each for each in classes)


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


def seeded(seed: int, fit: FitOf) -> FitOf:
    """The same ``fit``, before which the global generators start anew."""

    def again(features: "pd.DataFrame", label: "pd.Series[Any]") -> Any:
        seed_everything(seed)
        return fit(features, label)

    return again


def save(model: Model, contract: Contract, features: "pd.DataFrame", spec: Mapping[str, Any], job: Job) -> None:
    """The model folder holds all that serving needs: the model, its contract and the code that reads both.

    ``features`` is what ``fit`` saw.
    """
    packages = use_kit(job.kit)
    try:
        from trimtab.authoring.export.save import save_model
    except ModuleNotFoundError as error:
        raise SystemExit(f"the image lacks {error.name}, and no job kit stands in the channel {CHANNEL}") from error

    job.model.mkdir(parents=True, exist_ok=True)
    wanted = {**spec["serving"], "trusted_types": contract.trusted_types}
    saved = save_model(model, contract.problem, features, job.model, wanted)
    saved.write(job.model)
    store_edge_form(saved.format, spec.get("edge"), job.model)
    contract.write(job.model)
    save_code(job.code, job.model / "code")
    if packages:
        save_libraries(saved.format, packages, job.model / LIBRARIES)


def store_edge_form(form: str, wanted: Mapping[str, Any] | None, folder: Path) -> None:
    """The model in eight bits stands beside the one that is served, when the spec wants it for devices.

    Raises SystemExit for a model that has no such form.
    """
    if wanted is None:
        return
    from trimtab.authoring.export.int8 import to_int8
    from trimtab.authoring.export.onnx_file import NoEqual

    if form != "onnx":
        raise SystemExit(f"edge: devices run ONNX, and this model could only be stored as {form}; see serving.json")
    if wanted["precision"] == "full":
        return
    try:
        (folder / EDGE_FILE).write_bytes(to_int8((folder / ONNX_FILE).read_bytes()))
    except NoEqual as error:
        raise SystemExit(f"edge: the model has no form in eight bits, {error}; ask for edge.precision: full") from error


def store_native_scores(model: Model, contract: Contract, fitted: "FittedFeatures | None", job: Job) -> None:
    """The model's own answers to the hold-out stand beside it, for the evaluation to compare with what is served."""
    if not any(job.holdout_features.glob("*.parquet")):
        return
    import numpy as np

    rows = read_channel(job.holdout_features)
    features = fitted.transform(contract.arrays(rows)) if fitted else contract.conform(rows)
    np.save(job.model / NATIVE_SCORES, scores_of(model, contract.problem, features), allow_pickle=False)
    np.save(job.model / NATIVE_IDS, rows[contract.id].to_numpy().astype(str), allow_pickle=False)


def save_libraries(form: str, packages: Path, target: Path) -> None:
    """``target`` holds the packages that serve a model of this form, as far as serving needs them."""
    names, unused = SERVING_PACKAGES[form]
    for name in names:
        shutil.copytree(packages / name, target / name, ignore=shutil.ignore_patterns("__pycache__", *unused))


def save_code(source: Path, target: Path) -> None:
    """``target`` holds inference.py, the author's other modules, and this library's serving part."""
    library = Path(__file__).resolve().parents[1]
    shutil.rmtree(target, ignore_errors=True)
    package = target / library.name
    package.mkdir(parents=True)
    for name in ("__init__.py", "errors.py"):
        shutil.copyfile(library / name, package / name)
    for name in ("artifact", "authoring", "features"):
        shutil.copytree(library / name, package / name, ignore=shutil.ignore_patterns("__pycache__", "export"))
    (target / "inference.py").write_text(INFERENCE, encoding="utf-8")
    for name in ("features.py", "inference.py"):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)


def report(
    spec: Mapping[str, Any], model: Model, features: "pd.DataFrame", label: "pd.Series[Any]", seconds: float
) -> dict[str, float]:
    """The metrics on the training rows, printed one a line as ``name=value`` for MetricDefinitions."""
    wanted = ("auc", "log_loss") if spec["problem"] == "binary" else ()
    of_rows = measures(spec, model, features, label.to_numpy())
    found = {"train_rows": float(len(label)), "fit_seconds": seconds}
    found |= {f"train_{name}": of_rows[name] for name in wanted}
    found["train_primary"] = of_rows[spec["evaluation"]["primary"]]
    for name, value in found.items():
        print(f"{name}={value:.6g}", flush=True)
    return found
