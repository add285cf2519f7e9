"""The two layers: what every function needs, and what only those need that read columns."""

from stacks.kernel import KernelPart
from stacks.packaging import ROOT, LayerRecipe

_LAYERS = ROOT / "layers"


def runtime_recipe(architecture: str) -> LayerRecipe:
    """The runtime library and what it imports."""
    sources = (_LAYERS / "runtime" / "trimtab",)
    return LayerRecipe("runtime", _LAYERS / "runtime" / "requirements.txt", sources, architecture)


def columnar_recipe(architecture: str) -> LayerRecipe:
    """Arrow, NumPy and the data gate's kernel."""
    lock = _LAYERS / "columnar" / "requirements.txt"
    return LayerRecipe("columnar", lock, (), architecture, (KernelPart(),))
