"""The templates of the pages: whatever is filled in is text, and a name that a page does not have is an error."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from trimtab.reports.figures import figure


@cache
def template(name: str, **filters: Callable[[Any], str]) -> jinja2.Template:
    """The page ``name`` of the folder templates, with the filter ``figure`` and those given."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, **filters}
    return environment.get_template(name)
