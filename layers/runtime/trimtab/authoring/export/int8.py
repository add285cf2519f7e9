"""A model's ONNX file with weights of eight bits, for devices.

Symmetric quantisation of weights only (Jacob et al. 2018, "Quantization and training of neural networks", without the
activations): a matrix keeps one scale a column and is multiplied out again when the file loads; leaves of trees become
whole numbers from -127 to 127 with one scale an output, and splits move to single precision. What inputs and biases do
stays in the precision it had. Whether that costs anything is measured on the hold-out, not assumed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.authoring.export.onnx_file import NoEqual
from trimtab.authoring.export.trees import LESS

LEVELS = 127
_PRODUCTS = ("MatMul", "Gemm")


def to_int8(body: bytes) -> bytes:
    """The ONNX file with every matrix of weights and every forest in eight bits. Raises NoEqual when it has none."""
    import onnx

    made = onnx.load_from_string(body)
    graph = _Graph(made.graph)
    changed = sum(_WRITERS[node.op_type](graph, node) for node in graph.nodes if node.op_type in _WRITERS)
    if not changed:
        raise NoEqual("it has neither a matrix of weights nor trees, so eight bits would change nothing")
    graph.finish()
    onnx.checker.check_model(made)
    return made.SerializeToString()  # type: ignore[no-any-return]


def levels(weights: NDArray[Any], axis: int | None) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights as whole numbers from -127 to 127, and the scales that they are multiples of.

    One scale for each place along ``axis``, or one for all. A place of zeros has the scale 1.
    """
    others = tuple(each for each in range(weights.ndim) if each != axis)
    largest = np.abs(weights).max(axis=others if axis is not None else None, keepdims=True)
    scale = np.where(largest > 0, largest / LEVELS, 1.0).astype(np.float32)
    found = np.clip(np.rint(weights / scale), -LEVELS, LEVELS).astype(np.int8)
    return found, scale.reshape(-1) if axis is not None else scale.reshape(())


def narrowed(splits: NDArray[np.float64], modes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Splits in single precision, moved so that no single-precision value changes its side."""
    nearest = splits.astype(np.float32)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    raised = np.where(nearest < splits, np.nextafter(nearest, up), nearest)
    lowered = np.where(nearest > splits, np.nextafter(nearest, down), nearest)
    return np.where(modes == LESS, raised, lowered).astype(np.float32)


@dataclass
class _Graph:
    """A graph that gets new nodes in front of old ones and behind them."""

    graph: Any
    nodes: list[Any] = field(init=False)
    """The old ones."""
    added: dict[int, tuple[list[Any], list[Any]]] = field(default_factory=dict)
    """By id of an old node: those before it and those behind."""
    count: int = 0

    def __post_init__(self) -> None:
        self.nodes = list(self.graph.node)

    def name(self, what: str) -> str:
        self.count += 1
        return f"int8_{what}_{self.count}"

    def constant(self, name: str) -> Any:
        """The initializer of that name; None when it is something else."""
        return next((each for each in self.graph.initializer if each.name == name), None)

    def store(self, values: NDArray[Any], what: str) -> str:
        from onnx import numpy_helper

        name = self.name(what)
        self.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def before(self, node: Any, kind: str, inputs: list[str], **more: Any) -> str:
        return self._add(node, 0, kind, inputs, self.name(kind.lower()), **more)

    def behind(self, node: Any, kind: str, inputs: list[str], out: str | None = None, **more: Any) -> str:
        return self._add(node, 1, kind, inputs, out or self.name(kind.lower()), **more)

    def _add(self, node: Any, side: int, kind: str, inputs: list[str], out: str, **more: Any) -> str:
        from onnx import helper

        made = helper.make_node(kind, inputs, [out], name=f"{out}_node", **more)
        self.added.setdefault(id(node), ([], []))[side].append(made)
        return out

    def finish(self) -> None:
        """All nodes stand in order, and constants that nobody reads are gone."""
        ordered = []
        for node in self.nodes:
            before, behind = self.added.get(id(node), ([], []))
            ordered += [*before, node, *behind]
        copies = [type(node).FromString(node.SerializeToString()) for node in ordered]
        read = {name for node in copies for name in node.input}
        kept = [each for each in self.graph.initializer if each.name in read]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(copies)
        self.graph.initializer.extend(kept)


def _product(graph: _Graph, node: Any) -> bool:
    """A matrix product whose second factor is a constant."""
    from onnx import numpy_helper

    held = graph.constant(node.input[1])
    if held is None or len(held.dims) != 2:
        return False
    weights = numpy_helper.to_array(held)
    if weights.dtype.kind != "f":
        return False
    turned = any(each.name == "transB" and each.i for each in node.attribute)
    axis = 0 if turned else 1
    found, scale = levels(weights, axis)
    inputs = [graph.store(found, "weights"), graph.store(scale, "scale")]
    wide = graph.before(node, "DequantizeLinear", inputs, axis=axis)
    node.input[1] = graph.before(node, "Cast", [wide], to=held.data_type)
    return True


def _trees(graph: _Graph, node: Any) -> bool:
    """A forest: leaves are whole numbers, which single precision adds up without an error, and are scaled behind it."""
    from onnx import TensorProto, numpy_helper

    held = {each.name: each for each in node.attribute}
    arrays = {name: numpy_helper.to_array(held[name].t) for name in _TENSORS if name in held}
    targets = np.array(held["leaf_targetids"].ints, dtype=np.int64)
    scale = np.ones((1, held["n_targets"].i))
    leaves = np.zeros(len(targets), dtype=np.float32)
    for target in np.unique(targets):
        rows = targets == target
        leaves[rows], scale[0, target] = levels(arrays["leaf_weights"][rows], None)
    arrays |= {"leaf_weights": leaves, "nodes_splits": narrowed(arrays["nodes_splits"], arrays["nodes_modes"])}
    for name, values in arrays.items():
        narrow = values if values.dtype == np.uint8 else values.astype(np.float32)
        held[name].t.CopyFrom(numpy_helper.from_array(narrow, name))
    answer = node.output[0]
    node.input[0] = graph.before(node, "Cast", [node.input[0]], to=TensorProto.FLOAT)
    node.output[0] = graph.name("summed")
    wide = graph.behind(node, "Cast", [node.output[0]], to=TensorProto.DOUBLE)
    graph.behind(node, "Mul", [wide, graph.store(scale, "scale")], out=answer)
    return True


_TENSORS = ("nodes_modes", "nodes_splits", "leaf_weights", "membership_values")
_WRITERS: dict[str, Callable[[_Graph, Any], bool]] = {"TreeEnsemble": _trees} | dict.fromkeys(_PRODUCTS, _product)
