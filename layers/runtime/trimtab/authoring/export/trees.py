"""Decision trees as an ONNX TreeEnsemble: in doubles, with missing values and categories, so no split moves.

Operator TreeEnsemble of ai.onnx.ml 5, https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html. The older
operators that skl2onnx writes hold thresholds in single precision and know no categories.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

LESS_OR_EQUAL, LESS, MEMBER = 0, 1, 6
"""Values of nodes_modes."""
OPSET = 5
SUM = 1
"""Value of aggregate_function."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tree:
    """One tree by node; the root is node 0. All arrays have shape (nodes,)."""

    feature: Ints
    threshold: Floats
    left: Ints
    """-1 where the node is a leaf."""
    right: Ints
    missing_left: NDArray[np.bool_]
    """Whether a missing value goes left."""
    value: Floats
    """What a leaf adds."""
    target: int = 0
    """Which output it adds to."""
    mode: int = LESS_OR_EQUAL
    """Test that leads to the left."""
    members: dict[int, tuple[Sequence[float], bool]] = field(default_factory=dict)
    """By node that splits a category: the categories tested for, and whether having one leads to the left. What is
    no such category, a missing value among them, goes the other way."""

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        return self.left < 0


@dataclass
class _Columns:
    """The operator's attributes, tree after tree."""

    parts: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    members: list[float] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    nodes: int = 0
    leaves: int = 0

    def add(self, tree: Tree) -> None:
        inner = np.flatnonzero(~tree.is_leaf)
        leaves = np.flatnonzero(tree.is_leaf)
        place = np.zeros(len(tree.left), dtype=np.int64)
        place[inner] = self.nodes + np.arange(len(inner))
        place[leaves] = self.leaves + np.arange(len(leaves))
        self.roots.append(self.nodes)
        self._extend(_leaf_columns(tree, leaves))
        self._extend(self._stump(tree) if not len(inner) else self._splits(tree, inner, place))
        self.nodes += max(len(inner), 1)
        self.leaves += len(leaves)

    def _splits(self, tree: Tree, inner: Ints, place: Ints) -> dict[str, NDArray[Any]]:
        yes, no = tree.left[inner].copy(), tree.right[inner].copy()
        modes = np.full(len(inner), tree.mode, dtype=np.uint8)
        splits, missing = tree.threshold[inner].copy(), tree.missing_left[inner].astype(np.int64)
        for row, node in enumerate(inner):
            if int(node) in tree.members:
                categories, leads_left = tree.members[int(node)]
                modes[row], splits[row], missing[row] = MEMBER, 0.0, 0
                yes[row], no[row] = (yes[row], no[row]) if leads_left else (no[row], yes[row])
                self.members += [*map(float, categories), float("nan")]
        return {
            "nodes_featureids": tree.feature[inner],
            "nodes_modes": modes,
            "nodes_splits": splits,
            "nodes_missing_value_tracks_true": missing,
            "nodes_trueleafs": tree.is_leaf[yes].astype(np.int64),
            "nodes_truenodeids": place[yes],
            "nodes_falseleafs": tree.is_leaf[no].astype(np.int64),
            "nodes_falsenodeids": place[no],
        }

    def _stump(self, tree: Tree) -> dict[str, NDArray[Any]]:
        """A tree of one leaf: a test whose two answers lead to it."""
        one, leaf = np.ones(1, dtype=np.int64), np.full(1, self.leaves, dtype=np.int64)
        return {
            "nodes_featureids": np.zeros(1, dtype=np.int64),
            "nodes_modes": np.full(1, tree.mode, dtype=np.uint8),
            "nodes_splits": np.zeros(1),
            "nodes_missing_value_tracks_true": np.zeros(1, dtype=np.int64),
            "nodes_trueleafs": one,
            "nodes_truenodeids": leaf,
            "nodes_falseleafs": one,
            "nodes_falsenodeids": leaf,
        }

    def _extend(self, columns: dict[str, NDArray[Any]]) -> None:
        for name, values in columns.items():
            self.parts.setdefault(name, []).append(values)


def _leaf_columns(tree: Tree, leaves: Ints) -> dict[str, NDArray[Any]]:
    return {
        "leaf_weights": tree.value[leaves].astype(np.float64),
        "leaf_targetids": np.full(len(leaves), tree.target, dtype=np.int64),
    }


_TENSORS = ("nodes_modes", "nodes_splits", "leaf_weights")


def attributes(trees: Sequence[Tree], targets: int) -> dict[str, Any]:
    """The attributes of a TreeEnsemble that sums the leaves of ``trees`` into ``targets`` outputs (rows, targets)."""
    from onnx import numpy_helper

    columns = _Columns()
    for tree in trees:
        columns.add(tree)
    made = {name: np.concatenate(parts) for name, parts in columns.parts.items()}
    found: dict[str, Any] = {
        name: numpy_helper.from_array(values, name) if name in _TENSORS else values.tolist()
        for name, values in made.items()
    }
    if columns.members:
        found["membership_values"] = numpy_helper.from_array(np.array(columns.members), "membership_values")
    return found | {"tree_roots": columns.roots, "n_targets": targets, "aggregate_function": SUM, "post_transform": 0}
