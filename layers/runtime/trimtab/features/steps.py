"""The transformations by name."""

from typing import Any, Final

from trimtab.features.author import Author
from trimtab.features.custom import CALL, Custom
from trimtab.features.levels import OneHot, Ordinal, TargetEncode
from trimtab.features.numeric import Bin, Clip, Impute, Log, Scale
from trimtab.features.step import Options, Step
from trimtab.features.text import Hash
from trimtab.features.times import Cyclic, DateParts

STEPS: Final[dict[str, type[Step]]] = {
    step.name: step
    for step in (Impute, Scale, Clip, Log, Bin, OneHot, Ordinal, TargetEncode, Hash, DateParts, Cyclic, Custom)
}
PASS, DROP = "pass", "drop"


def resolved(options: Options, author: Author) -> dict[str, Any]:
    """The options, with the author's function or class where the step is one of his."""
    return dict(options) if options["do"] != Custom.name else {**options, CALL: author.named(options["name"])}
