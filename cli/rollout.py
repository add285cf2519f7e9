"""`trimtab rollout`: what a rollout will do, what it does, letting it go on, and ending it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.asking import ended, start
from cli.options import JsonOption, ModelArgument, StageOption
from cli.packages import find, packages_of
from cli.rollout_watch import abort, status, watch
from cli.stage import CommandError, Stage
from trimtab.contracts import Promotion
from trimtab.ports import EndpointState
from trimtab.rollout.course import Course
from trimtab.rollout.queue import LEASE
from trimtab.rollout.releasing import released, waiting_gate

if TYPE_CHECKING:
    from trimtab.ports import Package
    from trimtab.rollout.preview import Preview

app = typer.Typer(no_args_is_help=True)
app.command("status")(status)
app.command("watch")(watch)
app.command("abort")(abort)
_NOT_YET = "00000000"
"""Stands in names for the promotion that there is not yet."""


@app.command("plan")
def print_plan(
    model: ModelArgument,
    version: Annotated[int, typer.Option("--version", help="Version; the newest when absent.", min=0)] = 0,
    file: Annotated[
        Path | None, typer.Option("--file", help="model.yaml; models/MODEL/model.yaml when absent.")
    ] = None,
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Print how VERSION of MODEL would be rolled out: steps, times, alarms, cost, refusals. Nothing is moved."""
    found = preview(Stage(stage), model, version, file or Path("models") / model / "model.yaml")
    if as_json:
        print(json.dumps(found.to_json()))
    else:
        _show(found)
    if found.refusals:
        raise CommandError(f"the rollout would not begin: {'; '.join(found.refusals)}")


def preview(stage: Stage, model: str, version: int, file: Path) -> Preview:
    """What would be planned now. Raises CommandError without a version or without the file."""
    from trimtab.aws.alarms import CloudWatchAlarms  # boto3, which most commands do without
    from trimtab.aws.endpoints import SageMakerEndpoints
    from trimtab.rollout.planning import plan_of
    from trimtab.rollout.preview import Preview
    from trimtab.spec import load_spec_file

    if not file.is_file():
        raise CommandError(f"there is no {file}: name the model's file with --file")
    rollout = load_spec_file(file).rollout
    found = SageMakerEndpoints(stage.client("sagemaker"), None).describe(stage.names(model).endpoint)
    live = found or _champion(stage, model)
    states = CloudWatchAlarms(stage.client("cloudwatch")).states(rollout.alarms)
    package = _package(stage, model, version)
    promotion = Promotion(outcome="Approved", reason="", package_arn=package.arn, version=package.version, tag=_NOT_YET)
    plan = plan_of(promotion, stage.names(model), rollout, live, datetime.now(UTC))
    return Preview(plan, rollout, live, states, package.image_uri, is_absent=found is not live)


def _champion(stage: Stage, model: str) -> EndpointState | None:
    """The endpoint as a rollout makes it again when it does not exist although there is a champion."""
    from trimtab.aws.registry import SageMakerRegistry
    from trimtab.rollout.standing import standing_champion

    champion = standing_champion(stage.ledger(model), SageMakerRegistry(stage.client("sagemaker")))
    if champion is None:
        return None
    return EndpointState(stage.names(model).endpoint, "InService", str(champion["config"]))


def _package(stage: Stage, model: str, version: int) -> Package:
    if version:
        return find(stage, model, version)
    packages = packages_of(stage, model)
    if not packages:
        raise CommandError(f"{model} has no version yet: train one first")
    return packages[0]


def _show(found: Preview) -> None:
    told, console = found.to_json(), Console()
    then = f", then {told['then']}" if told["then"] else ""
    console.print(f"version {told['version']} on {told['endpoint']}: {told['strategy']}{then}")
    console.print(f"serves now: {told['serves_now'] or 'nothing'}")
    console.print(_table(found))
    seconds = told["seconds"]
    console.print(
        f"about {seconds['provisioning_estimated'] // 60} min to start machines (an estimate: SageMaker gives no "
        f"figure), {seconds['watching'] // 60} min to watch, at most {seconds['holding_at_most'] // 60} min of holds"
    )
    for name, state in told["alarms"].items():
        console.print(f"alarm {name}: {state}")
    if found.cost is not None:
        console.print(
            f"both fleets at once cost about {found.cost:.2f} {told['currency']} (prices of {told['prices_as_of']})"
        )
    for note in found.notes:
        console.print(f"note: {note}")


def _table(found: Preview) -> Table:
    shown = Table("step", "new version answers", "from minute", "watched for", "then", box=None)
    if found.rollout.gate:
        shown.add_row("0", "nothing", "0", "", "a person releases it")
    for number, step in enumerate(found.plan.steps, start=1):
        released = "a person releases it" if step["gate"] else ""
        minutes = step["starts_s"] // 60, step["bake_s"] // 60
        shown.add_row(str(number), f"{step['percent']} %", str(minutes[0]), f"{minutes[1]} min", released)
    return shown


@app.command("release")
def release(
    model: ModelArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why traffic may go on; kept in the ledger.")],
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Let the rollout of MODEL go on that a manual gate holds."""
    if not reason.strip():
        raise CommandError("say with --reason why traffic may go on")
    where = Stage(stage)
    ledger = where.ledger(model)
    held = ledger.lease_holder(LEASE)
    if held is None:
        raise CommandError(f"nothing of {model} is being rolled out")
    step = waiting_gate(Course.read(ledger, held.holder))
    if step is None:
        raise CommandError(f"the rollout of {model} waits at no gate")
    execution = ask_release(where, model, step, reason)
    found = ended(where, ledger, execution, lambda name: released(ledger, name, held.holder), "nothing was released")
    if found["outcome"] != "Released":
        raise CommandError(str(found["summary"]))
    print(json.dumps(found) if as_json else found["summary"])


def ask_release(stage: Stage, model: str, step: int, reason: str) -> str:
    """ARN of the execution that opens the gate, in the name of whose credentials these are. Raises CommandError."""
    machine = stage.model(model).get("ReleaseMachine")
    if machine is None:
        raise CommandError(f"{model} was deployed before its rollouts had gates: deploy its stack")
    return start(stage, machine, "release", {"model": model, "step": step, "reason": reason}, "open a gate")
