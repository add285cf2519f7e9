"""What every section of a spec has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of model.yaml: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
