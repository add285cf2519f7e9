"""Options that several commands share."""

from typing import Annotated

import typer

StageOption = Annotated[str, typer.Option("--stage", envvar="TRIMTAB_STAGE", help="Which stage.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ModelArgument = Annotated[str, typer.Argument(help="Name in model.yaml.")]
