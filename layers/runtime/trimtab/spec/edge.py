"""The section that says what devices get of a model."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class EdgeSpec(Section):
    """Each version also has a form for devices, which the evaluation judges beside the one that the cloud serves."""

    precision: Literal["int8", "full"] = "int8"
    """``int8`` keeps weights in eight bits; ``full`` is the file that the cloud serves."""
    max_loss: float = Field(default=0.01, gt=0, le=0.5)
    """Largest loss of the primary metric against the full model, as a share of the full model's value; the whole
    interval must stay within it."""
    greengrass: bool = False
    """A component of AWS IoT Greengrass that serves bundles on devices stands in the model's stack."""
