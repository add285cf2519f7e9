"""What people should know of a model before they use it: the sections of its card that no machine can fill in."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section


class CardSpec(Section):
    """Goes into the model card of every version. Measurements are added by the training machine."""

    purpose: str = Field(default="", max_length=2048)
    """What the model is for, in a sentence or two."""
    intended_uses: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    """What it must not be used for, and where it is known to be weak."""
    contacts: tuple[str, ...] = ()
    risk: Literal["High", "Medium", "Low", "Unknown"] = "Unknown"
    """Risk rating, in the words of SageMaker's model cards."""
    ethics: str = Field(default="", max_length=2048)
    """Whom its answers touch, and what was considered."""
