"""`trimtab validate FILE`: is this model.yaml right?"""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.spec import load_spec_file


def validate(
    files: Annotated[list[Path], typer.Argument(help="model.yaml files.")],
) -> None:
    """Check model.yaml files; every mistake is printed with its line."""
    for file in files:
        spec = load_spec_file(file)
        print(f"{file}: {spec.name}: {len(spec.data.features)} features, {spec.problem}, label {spec.data.label}")
