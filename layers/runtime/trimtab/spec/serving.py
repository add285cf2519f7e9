"""The section that says in which form a model is served."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class ServingSpec(Section):
    """How a candidate is stored, so that serving loads no pickle."""

    format: Literal["auto", "onnx", "skops"] = "auto"
    """``auto`` is ONNX, and skops for a model that ONNX cannot say."""
    tolerance: float = Field(default=1e-6, gt=0, le=0.01)
    """Largest difference between a served score and the trained model's own; relative for scores larger than 1."""
