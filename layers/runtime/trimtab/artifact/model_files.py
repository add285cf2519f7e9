"""What may be loaded: a model's files, looked through before any library that runs them sees them.

Serving knows ONNX and skops files. Both are read here as bytes: neither onnx nor skops has to be installed.
"""

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from trimtab.artifact.wire import Message, WireError
from trimtab.errors import DataError

ONNX_FILE, SKOPS_FILE, PICKLE_FILE = "model.onnx", "model.skops", "model.joblib"
EDGE_FILE = "model.edge.onnx"
"""The form for devices, beside the one that is served."""
OWN_CODE = "inference.py"
MAX_MODEL_BYTES = 512 * 1024**2
MAX_SCHEMA_BYTES = 64 * 1024**2
MAX_NODES = 20_000
MAX_TREE_NODES = 20_000_000
MAX_OPSETS = {"": 24, "ai.onnx.ml": 5}
"""Operator sets that a model may use; nobody else's operators."""
MAX_IR_VERSION = 12
EXTERNAL = 1
"""TensorProto.DataLocation of data in a file of their own."""
PICKLES = (".joblib", ".pkl", ".pickle", ".pck", ".dill", ".cloudpickle")
TRUSTED = frozenset(
    {
        "functools.partial",  # what it calls is named and judged as well
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.utils.validation.check_array",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
    }
)
"""Types beyond those that skops trusts, each looked at: none runs code that a file could choose."""


POWERFUL = sys.stdlib_module_names | {"cloudpickle", "dill", "joblib", "numpy"}
"""Packages of which an author can trust nothing by name."""


class ModelRefused(DataError):
    """Raised when a model's file is not what serving loads; the message says what was found."""


def pickles_in(folder: Path) -> list[str]:
    """Files of a model's folder that hold pickles, by their names or their first bytes, relative to it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.relative_to(folder).as_posix() for path in files if _is_pickle(path)]


def _is_pickle(path: Path) -> bool:
    """Protocol 2 and later begin with 0x80 and their number; names tell of those that are compressed."""
    if path.suffix in PICKLES:
        return True
    with path.open("rb") as stream:
        start = stream.read(2)
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def check_onnx(path: Path) -> bytes:
    """The file's bytes, which hold a model that only uses ONNX's own operators and its own data.

    Raises ModelRefused: for a file that is too large or no ONNX file, operators of other domains or of versions not
    known, functions, data in other files, more nodes than any model of tables has, tree branches that lead nowhere.
    """
    body = _read(path)
    try:
        model = Message.of(body)
        _check_header(model)
        _check_graph(model.one(7), depth=0)
    except WireError as error:
        raise ModelRefused(f"{path.name} is no ONNX file: {error}") from error
    return body


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MAX_MODEL_BYTES:
        raise ModelRefused(f"{path.name} has {size:,} bytes, at most {MAX_MODEL_BYTES:,} are served")
    return path.read_bytes()


def _check_header(model: Message) -> None:
    """Field numbers here and below are those of onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto."""
    version = model.number(1)
    if not 3 <= version <= MAX_IR_VERSION:
        raise ModelRefused(f"its ONNX format is version {version}, known are 3 to {MAX_IR_VERSION}")
    if model.all(25):
        raise ModelRefused("it defines functions of its own")
    for opset in model.all(8):
        domain, number = _domain(opset.text(1)), opset.number(2)
        if domain not in MAX_OPSETS or number > MAX_OPSETS[domain]:
            raise ModelRefused(f"it uses operators of '{domain}' version {number}; known are {MAX_OPSETS}")


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _check_graph(graph: Message, depth: int) -> None:
    if depth > 4:
        raise ModelRefused("its graphs are nested more than four deep")
    nodes = graph.all(1)
    if len(nodes) > MAX_NODES:
        raise ModelRefused(f"it has {len(nodes):,} nodes, at most {MAX_NODES:,} are served")
    for tensor in (*graph.all(5), *(part for sparse in graph.all(15) for part in (sparse.one(1), sparse.one(2)))):
        _check_tensor(tensor)
    for node in nodes:
        _check_node(node, depth)


def _check_tensor(tensor: Message) -> None:
    if tensor.all(13) or tensor.number(14) == EXTERNAL:
        raise ModelRefused("it keeps data in other files, which are not read")
    items = 1
    for size in tensor.numbers(1):
        items *= size
        if size < 0 or items > MAX_MODEL_BYTES:
            raise ModelRefused("a tensor claims more values than the file could hold")


def _check_node(node: Message, depth: int) -> None:
    domain, kind = _domain(node.text(7)), node.text(4)
    if domain not in MAX_OPSETS:
        raise ModelRefused(f"its node {kind} is an operator of '{domain}', which is not ONNX's own")
    attributes = {each.text(1): each for each in node.all(5)}
    for attribute in attributes.values():
        for tensor in (*attribute.all(5), *attribute.all(10)):
            _check_tensor(tensor)
        for graph in (*attribute.all(6), *attribute.all(11)):
            _check_graph(graph, depth + 1)
    if kind == "TreeEnsemble":
        _check_trees(attributes)


def _check_trees(attributes: dict[str, Message]) -> None:
    """Branches lead to nodes and leaves that exist, forward only, so that every walk ends."""
    ids = {name: attributes[name].numbers(8) if name in attributes else [] for name in _TREE}
    nodes, leaves = len(ids["nodes_featureids"]), len(ids["leaf_targetids"])
    if nodes > MAX_TREE_NODES:
        raise ModelRefused(f"its trees have {nodes:,} nodes, at most {MAX_TREE_NODES:,} are served")
    targets = attributes["n_targets"].number(3) if "n_targets" in attributes else 1
    wrong = any(not 0 <= root < nodes for root in ids["tree_roots"])
    wrong = wrong or any(not 0 <= target < targets for target in ids["leaf_targetids"])
    for side in ("true", "false"):
        places, ends = ids[f"nodes_{side}nodeids"], ids[f"nodes_{side}leafs"]
        wrong = wrong or len(places) != nodes or len(ends) != nodes
        wrong = wrong or any(
            not (0 <= place < leaves if is_leaf else here < place < nodes)
            for here, (place, is_leaf) in enumerate(zip(places, ends, strict=False))
        )
    if wrong or any(feature < 0 for feature in ids["nodes_featureids"]):
        raise ModelRefused("its trees have branches that lead nowhere, or back")


_TREE = (
    "nodes_featureids", "leaf_targetids", "tree_roots",
    "nodes_truenodeids", "nodes_trueleafs", "nodes_falsenodeids", "nodes_falseleafs",
)  # fmt: skip


def check_skops(path: Path) -> None:
    """The file is a skops archive of a size that can be served. What it holds is judged by :func:`untrusted`.

    Raises ModelRefused.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(each.file_size for each in packed.infolist()) > MAX_MODEL_BYTES:
                raise ModelRefused(f"{path.name} unpacks to more than {MAX_MODEL_BYTES:,} bytes")
            schema = packed.read("schema.json")
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError) as error:
        raise ModelRefused(f"{path.name} is no skops file: {error}") from error
    if len(schema) > MAX_SCHEMA_BYTES:
        raise ModelRefused(f"{path.name} has a schema of {len(schema):,} bytes")


def untrusted(named: Sequence[str], author: Sequence[str] = ()) -> list[str]:
    """Of the types that skops does not trust by itself, those that neither Trimtab nor the author does.

    What belongs to Python itself or runs programs is nobody's to trust: with it a file could run what it likes.
    """
    return [name for name in named if name not in TRUSTED and (name not in author or is_powerful(name))]


def is_powerful(name: str) -> bool:
    """Whether a type or function is of a module that a model's file could use to run anything."""
    return name.partition(".")[0] in POWERFUL


def check_files(folder: Path) -> None:
    """An unpacked artifact holds no pickle, and its model's file is one that serving loads. Raises ModelRefused."""
    if pickles := pickles_in(folder):
        raise ModelRefused(f"the artifact holds pickles, which run code when they are read: {', '.join(pickles[:5])}")
    if (folder / EDGE_FILE).is_file():
        check_onnx(folder / EDGE_FILE)
    if (folder / ONNX_FILE).is_file():
        check_onnx(folder / ONNX_FILE)
    elif (folder / SKOPS_FILE).is_file():
        check_skops(folder / SKOPS_FILE)
    elif not (folder / "code" / OWN_CODE).is_file():
        raise ModelRefused(f"the artifact holds neither {ONNX_FILE} nor {SKOPS_FILE}")
