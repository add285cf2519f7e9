"""What every section of a spec has in common."""

import difflib
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


class Section(BaseModel):
    """A part of model.yaml: immutable; an unknown key is an error, and so is a number that is not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message that proposes the name most like ``name``, empty when none is."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def mistakes(found: Iterable[tuple[tuple[str | int, ...], str]]) -> None:
    """Raises a validation error that holds every (place, message), the place relative to the section; none, no error.

    A validator of a whole section may thus point at the line that is wrong.
    """
    details = [
        InitErrorDetails(type=PydanticCustomError("spec", "{message}", {"message": message}), loc=place, input=None)
        for place, message in found
    ]
    if details:
        raise ValidationError.from_exception_data("model.yaml", details)
