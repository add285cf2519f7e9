"""What every section of a spec has in common."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


class Section(BaseModel):
    """A part of model.yaml: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


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
