"""The two layers: what every function needs, and what only those need that read columns."""

from stacks.packaging import ROOT, LayerRecipe

_LAYERS = ROOT / "layers"


def runtime_recipe(architecture: str) -> LayerRecipe:
    """The runtime library and what it imports."""
    sources = (_LAYERS / "runtime" / "trimtab",)
    return LayerRecipe("runtime", _LAYERS / "runtime" / "requirements.txt", sources, architecture)


def columnar_recipe(architecture: str) -> LayerRecipe:
    """Arrow and NumPy."""
    return LayerRecipe("columnar", _LAYERS / "columnar" / "requirements.txt", (), architecture)
