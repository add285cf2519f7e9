"""`trimtab drop` and `trimtab drops`: put a file where the pipeline finds it, and a refused one there again."""

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import ModelArgument, StageOption
from cli.stage import CommandError, Stage
from trimtab.contracts import DropKind
from trimtab.ledger.kinds import DROP_ACCEPTED, DROP_QUARANTINED
from trimtab.ports import Entry

app = typer.Typer(no_args_is_help=True)


def drop(
    model: ModelArgument,
    file: Annotated[Path, typer.Argument(help="Parquet, CSV or JSON Lines, as model.yaml says.")],
    truth: Annotated[bool, typer.Option("--truth", help="The file holds late labels.")] = False,
    stage: StageOption = "dev",
) -> None:
    """Drop FILE for MODEL; the same as copying it into the bucket."""
    if not file.is_file():
        raise CommandError(f"{file} is not a file")
    print(upload(Stage(stage), model, file, DropKind.TRUTH if truth else DropKind.DATA))


def upload(stage: Stage, model: str, file: Path, kind: DropKind) -> str:
    """URI of the dropped file."""
    uri = f"s3://{stage.data['DropsBucket']}/{model}/{kind.value}/{file.name}"
    stage.objects.upload(uri, file)
    return uri


@app.command()
def replay(
    model: ModelArgument,
    drop: Annotated[str, typer.Argument(help="Id of the refused drop, or its beginning.")],
    stage: StageOption = "dev",
) -> None:
    """Judge a quarantined drop again, for instance after the contract was changed and deployed."""
    where = Stage(stage)
    entries = where.ledger(model).entries("drop.")
    print(start_replay(where, model, find_refused(entries, model, drop), entries[-1].at))


@app.command("list")
def list_refused(model: ModelArgument, stage: StageOption = "dev") -> None:
    """List the drops that were refused and not accepted since, with the reason."""
    entries = Stage(stage).ledger(model).entries("drop.")
    for entry in refused(entries).values():
        print(f"{entry.subject}  {entry.at:%Y-%m-%d %H:%M}  {entry.data['summary']}")


def refused(entries: list[Entry]) -> dict[str, Entry]:
    """The newest refusal of each drop that no later entry accepted, by the drop's id."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind == DROP_QUARANTINED:
            found[entry.subject] = entry
        elif entry.kind == DROP_ACCEPTED:
            found.pop(entry.subject, None)
    return found


def find_refused(entries: list[Entry], model: str, drop: str) -> Entry:
    """The refusal of the drop whose id begins so. Raises CommandError when there is not exactly one, or no copy."""
    known = refused(entries)
    found = [entry for name, entry in known.items() if name.startswith(drop)]
    if len(found) != 1:
        what = "more than one quarantined drop" if found else "no quarantined drop"
        raise CommandError(f"{model} has {what} '{drop}'; there are: {', '.join(known) or 'none'}")
    if found[0].data["copy_uri"] is None:
        raise CommandError(f"'{drop}' was gone before it could be kept: drop the file again")
    return found[0]


def start_replay(stage: Stage, model: str, entry: Entry, last: datetime) -> str:
    """ARN of the intake execution that judges the quarantined copy, at a time that is not before the ledger's last."""
    bucket, _, key = str(entry.data["copy_uri"]).removeprefix("s3://").partition("/")
    head: dict[str, Any] = stage.client("s3").head_object(Bucket=bucket, Key=key)
    headers = head["ResponseMetadata"]["HTTPHeaders"]
    said = {
        "model": model,
        "bucket": bucket,
        "key": key,
        "version": head["VersionId"],
        "size": head["ContentLength"],
        "sequencer": "",
        "at": max(parsedate_to_datetime(headers["date"]), last).isoformat(),
    }
    started = stage.client("stepfunctions").start_execution(
        stateMachineArn=stage.model(model)["IntakeMachine"],
        name=f"replay-{entry.subject}-{entry.seq}",
        input=json.dumps(said),
    )
    return str(started["executionArn"])
