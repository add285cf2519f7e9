"""`trimtab drop`: put a file where the pipeline finds it."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import ModelArgument, StageOption
from cli.stage import CommandError, Stage
from trimtab.contracts import DropKind


def drop(
    model: ModelArgument,
    file: Annotated[Path, typer.Argument(help="Parquet, CSV or JSON Lines, as model.yaml says.")],
    truth: Annotated[bool, typer.Option("--truth", help="The file holds late labels.")] = False,
    stage: StageOption = "dev",
) -> None:
    """Drop FILE for MODEL; the same as copying it into the bucket by any other means."""
    if not file.is_file():
        raise CommandError(f"{file} is not a file")
    print(upload(Stage(stage), model, file, DropKind.TRUTH if truth else DropKind.DATA))


def upload(stage: Stage, model: str, file: Path, kind: DropKind) -> str:
    """URI of the dropped file."""
    uri = f"s3://{stage.data['DropsBucket']}/{model}/{kind.value}/{file.name}"
    stage.objects.upload(uri, file)
    return uri
