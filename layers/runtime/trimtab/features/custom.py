"""A step that the author wrote."""

import inspect
from typing import Any

import numpy as np

from trimtab.features.block import Block, Floats
from trimtab.features.step import FeatureError, Json, Options, Step
from trimtab.features.training import Training

CALL = "call"
"""Option that holds the author's function or class; never written to a file."""


class Custom(Step):
    """What the author's function makes of a DataFrame, or his class's ``transform`` with what its ``fit`` returned.

    The answer is a DataFrame of as many rows, all of its columns numbers. What ``fit`` returns must be JSON.
    """

    name = "custom"

    @classmethod
    def learn(cls, options: Options, block: Block, training: Training) -> Json:
        """``fit`` is given the columns and the label: numbers, or for several classes one column of each."""
        if not inspect.isclass(options[CALL]):
            return {}
        if not all(callable(getattr(options[CALL], each, None)) for each in ("fit", "transform")):
            raise FeatureError(f"custom '{options['name']}' is a class and needs fit and transform")
        label = training.targets if len(training.names) > 1 else training.targets[:, 0]
        return {"learned": options[CALL](**options["options"]).fit(_frame(block), label)}

    def apply(self, block: Block) -> Block:
        made = self._made(_frame(block))
        if len(made) != block.rows:
            raise FeatureError(f"custom '{self.options['name']}' made {len(made)} rows of {block.rows}")
        return block.with_numbers(self._numbers(made), [str(name) for name in made.columns])

    def _made(self, frame: Any) -> Any:
        call, options = self.options[CALL], self.options["options"]
        if not inspect.isclass(call):
            return call(frame, **options)
        made: Any = call(**options)
        return made.transform(frame, self.state["learned"])

    def _numbers(self, made: Any) -> Floats:
        try:
            return np.ascontiguousarray(made.to_numpy(dtype=np.float64, na_value=np.nan))
        except (ValueError, TypeError) as error:
            raise FeatureError(f"custom '{self.options['name']}' made what is no number: {error}") from error


def _frame(block: Block) -> Any:
    import pandas as pd

    columns = {}
    for name, column in zip(block.names, block.raw, strict=True):
        columns[name] = pd.Series(column, dtype="object") if column.dtype == object else column
    return pd.DataFrame(columns)
