"""The model inside an artifact, loaded after its file was checked, as a function of columns.

ONNX is fed with plain arrays: a request needs no pandas. A skops file becomes the estimator again and sees a table.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trimtab.artifact.model_files import (
    ONNX_FILE,
    PICKLE_FILE,
    SKOPS_FILE,
    ModelRefused,
    check_onnx,
    check_skops,
    untrusted,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LIBRARIES = Path("code", "lib")
"""Where an artifact keeps packages that the image lacks."""
COLUMNS = "columns"
"""Metadata of an ONNX file: by input, the columns that it holds."""
MISSING_TEXT = ""
"""What ONNX sees where a text is missing; it has no other word for it."""
Columns = Mapping[str, Any]


class Predictor(Protocol):
    """A loaded model."""

    wants_table: bool
    """Whether it needs a DataFrame; else any mapping from names to sequences will do."""

    def scores(self, columns: Any) -> "NDArray[np.float64]":
        """Shape (n,) for binary and regression problems, (n, classes) for multiclass ones."""
        ...


def scores_of(model: Any, problem: str, features: "pd.DataFrame") -> "NDArray[np.float64]":
    """What an estimator makes of a table: probabilities, or a regression's values."""
    import numpy as np

    if problem == "regression":
        return np.asarray(model.predict(features), dtype=np.float64).reshape(len(features))
    return narrow(np.asarray(model.predict_proba(features), dtype=np.float64), problem)


def narrow(answer: "NDArray[np.float64]", problem: str) -> "NDArray[np.float64]":
    """Of (n, classes) what is served: the second class of a binary problem, the one column of a regression."""
    if problem == "multiclass":
        return answer
    return answer[:, -1]


class OnnxPredictor:
    """An ONNX model under onnxruntime, one thread."""

    wants_table = False

    def __init__(self, body: bytes, problem: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._problem = problem
        self._session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
        held = json.loads(self._session.get_modelmeta().custom_metadata_map[COLUMNS])
        self._inputs = [(each.name, held[each.name], _READERS[each.type]) for each in self._session.get_inputs()]

    def scores(self, columns: Columns) -> "NDArray[np.float64]":
        fed = {name: read([columns[column] for column in held]) for name, held, read in self._inputs}
        (answer,) = self._session.run(None, fed)
        return narrow(answer, self._problem).astype("float64", copy=False)


def _doubles(columns: list[Any]) -> Any:
    """(rows, columns)."""
    import numpy as np

    if len(columns) == 1:
        return np.asarray(columns[0], dtype=np.float64).reshape(-1, 1)
    return np.array(columns, dtype=np.float64).T.copy()


def _texts(columns: list[Any]) -> Any:
    import numpy as np

    read = [[value if isinstance(value, str) else MISSING_TEXT for value in values] for values in columns]
    return np.array(read, dtype=object).T.copy()


_READERS = {"tensor(double)": _doubles, "tensor(string)": _texts}


class TablePredictor:
    """An estimator that sees tables."""

    wants_table = True

    def __init__(self, model: Any, problem: str) -> None:
        self._model, self._problem = model, problem

    def scores(self, columns: "pd.DataFrame") -> "NDArray[np.float64]":
        return scores_of(self._model, self._problem, columns)


def load(folder: Path, problem: str, trusted: Sequence[str] = ()) -> Predictor:
    """The model of an unpacked artifact; ``trusted`` are types that its author lets it hold.

    Raises ModelRefused for a file that must not be loaded, or for none.
    """
    use_libraries(folder)
    if (folder / ONNX_FILE).is_file():
        return load_onnx(folder / ONNX_FILE, problem)
    if (folder / SKOPS_FILE).is_file():
        return TablePredictor(load_skops(folder / SKOPS_FILE, trusted), problem)
    pickle = " A pickle is not loaded: train the model again." if (folder / PICKLE_FILE).is_file() else ""
    raise ModelRefused(f"the artifact holds neither {ONNX_FILE} nor {SKOPS_FILE}.{pickle}")


def use_libraries(folder: Path) -> None:
    """What the artifact brings along can be imported; the image's own packages come first."""
    path = str(folder / LIBRARIES)
    if (folder / LIBRARIES).is_dir() and path not in sys.path:
        sys.path.append(path)


def load_onnx(path: Path, problem: str) -> OnnxPredictor:
    """The checked file, ready to answer. Raises ModelRefused also for one that onnxruntime does not take."""
    body = check_onnx(path)
    import onnxruntime

    try:
        return OnnxPredictor(body, problem)
    except (onnxruntime.capi.onnxruntime_pybind11_state.OnnxRuntimeException, RuntimeError, KeyError) as error:
        raise ModelRefused(f"{path.name} cannot be run: {str(error)[:300]}") from error


def load_skops(path: Path, trusted: Sequence[str] = ()) -> Any:
    """The estimator of a checked file that names only trusted types. Raises ModelRefused."""
    check_skops(path)
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    named = skops.io.get_untrusted_types(file=path)
    if foreign := untrusted(named, trusted):
        raise ModelRefused(
            f"{path.name} holds types that are not trusted: {', '.join(foreign[:10])}; see training.trusted_types"
        )
    try:
        return skops.io.load(path, trusted=named)
    except UntrustedTypesFoundException as error:
        raise ModelRefused(f"{path.name}: {error}") from error
