"""`trimtab score MODEL SOURCE`: records in files, scored by batch transform."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import CommandError, Stage, status_of
from trimtab.ledger.kinds import BATCH_PLANNED, BATCH_SCORED, MACHINE_FAILED
from trimtab.ledger.lookup import decided
from trimtab.names import BATCH
from trimtab.scoring.finishing import ANSWER
from trimtab.scoring.planning import batch_id
from trimtab.scoring.request import ASKED, ENDINGS

_LOOK_S = 1.0
_MACHINE = "BatchMachine"


def score(
    model: ModelArgument,
    source: Annotated[str, typer.Argument(help="JSON Lines: a file here, or s3://… below the model's batch folder.")],
    version: Annotated[int, typer.Option("--version", help="A version that has served; else the one that does.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the answers, a line for each record, here.")] = None,
    stage: StageOption = "dev",
    wait: Annotated[bool, typer.Option(help="Wait until all is scored.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Score a file of records with MODEL's version that serves, or another."""
    if out is not None and not wait:
        raise CommandError("--out needs the answers, and --no-wait does not wait for them: leave one of them out")
    where = Stage(stage)
    asked = start(where, model, source, version)
    if not wait:
        print(json.dumps({"execution": asked}) if as_json else f"asked for: {asked}")
        return
    done = ended(where, model, asked)
    if out is not None:
        write_answers(where, done["output_uri"], out)
    print(json.dumps(done) if as_json else f"{done['summary']}\neach record with its answer under {ANSWER}")


def start(stage: Stage, model: str, source: str, version: int) -> str:
    """ARN of the execution that scores ``source``. Raises CommandError for a model without batches."""
    machine = stage.model(model).get(_MACHINE)
    if machine is None:
        raise CommandError(f"{model} scores no files: add `batch: {{}}` to its model.yaml and deploy its stack")
    name = f"score-{uuid.uuid4().hex[:16]}"
    where = source if source.startswith("s3://") else uploaded(stage, model, Path(source), name)
    by = str(stage.client("sts").get_caller_identity()["Arn"])
    told = {"model": model, "cause": "person", "source": where, "version": version, "by": by}
    started = stage.client("stepfunctions").start_execution(stateMachineArn=machine, name=name, input=json.dumps(told))
    return str(started["executionArn"])


def uploaded(stage: Stage, model: str, file: Path, name: str) -> str:
    """URI of the file, in a folder of its own. Raises CommandError for what is no file of JSON Lines."""
    if not file.is_file() or not file.name.endswith(ENDINGS):
        raise CommandError(f"{file} is no file of JSON Lines: its name ends with {' or '.join(ENDINGS)}")
    uri = f"s3://{stage.data['DropsBucket']}/{model}/{BATCH}/{ASKED}/{name}/{file.name}"
    stage.objects.upload(uri, file)
    return uri


def ended(stage: Stage, model: str, execution: str, pause: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """What was scored, as the ledger says. Raises CommandError when nothing was."""
    while (status := status_of(stage, execution)) == "RUNNING":
        pause(_LOOK_S)
    name, ledger = execution.rsplit(":", 1)[1], stage.ledger(model)
    batch = batch_id(name)
    if scored := decided(ledger, BATCH_SCORED, batch):
        return dict(scored)
    refused, failed = decided(ledger, BATCH_PLANNED, batch) or {}, decided(ledger, MACHINE_FAILED, name) or {}
    why = refused.get("reason") or failed.get("cause") or f"the execution {status}"
    raise CommandError(f"nothing was scored: {why} ({execution})")


def write_answers(stage: Stage, output_uri: str, out: Path) -> None:
    """The answers alone, of all scored files in order of their names."""
    with out.open("w") as answers:
        for each in stage.objects.list(f"{output_uri}/"):
            with stage.objects.open(each.uri) as lines:
                answers.writelines(json.dumps(json.loads(line)[ANSWER]) + "\n" for line in lines if line.strip())
