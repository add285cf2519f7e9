"""What every transformation promises."""

from collections.abc import Mapping
from typing import Any, ClassVar

from trimtab.features.block import Block
from trimtab.features.training import Training

Json = dict[str, Any]
Options = Mapping[str, Any]
"""What model.yaml says of a step, defaults included."""


class FeatureError(ValueError):
    """Raised when a transformation cannot be learned or read; the message says what to change in model.yaml."""


class Step:
    """A fitted transformation. Equal rows get equal bits, alone or among others."""

    name: ClassVar[str]
    """What model.yaml calls it, under ``do``."""

    def __init__(self, options: Options, state: Json) -> None:
        self.options, self.state = options, state

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        """What has to be remembered of the training rows, as JSON values without NaN."""
        return {}

    def apply(self, block: Block) -> Block:
        """The columns of any rows, transformed."""
        raise TypeError(f"{type(self).__name__} does not say what it does")

    def apply_to_training(self, block: Block, training: Training) -> Block:
        """The columns of the rows it was learned from; another than ``apply`` where a row's own label would leak."""
        return self.apply(block)
