"""`trimtab retraining`: why a model is trained again or not, and letting it go on after it has given up."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.asking import start
from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import CommandError, Stage
from trimtab.ports import Entry
from trimtab.recovery.status import status

app = typer.Typer(no_args_is_help=True)


@app.command("status")
def print_status(model: ModelArgument, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """Print what runs, waits and was spent, and the newest decision with its questions."""
    entries = Stage(stage).ledger(model).entries()
    found = status(entries, _now(entries))
    print(json.dumps(found) if as_json else "\n".join(in_words(found, model)))


@app.command("resume")
def resume(
    model: ModelArgument,
    reason: Annotated[str, typer.Option("--reason", help="What was done about it; kept in the ledger.")],
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Let machines train MODEL again after they have given up; what waits is decided on at once."""
    if not reason.strip():
        raise CommandError("say what was done about it: --reason TEXT")
    execution = resumed(Stage(stage), model, reason)
    said = f"asked for by you; what comes of it: trimtab retraining status {model}"
    print(json.dumps({"model": model, "execution": execution}) if as_json else said)


def resumed(stage: Stage, model: str, reason: str) -> str:
    """ARN of the execution that resumes, in the name of whose credentials these are."""
    request = {"model": model, "cause": "resumed", "alarm": "", "reason": reason}
    return start(stage, stage.model(model)["RecoveryMachine"], "resume", request, "resume retraining")


def _now(entries: list[Entry]) -> datetime:
    """Now, or the newest entry's time where that is later: a local cloud's clock runs ahead."""
    return max([datetime.now(UTC), *(entry.at for entry in entries[-1:])])


def in_words(found: dict[str, Any], model: str) -> list[str]:
    """The status as people read it."""
    started, new = found["started"], found["new"]
    lines = [
        f"{model}: {_STATES[found['state']]}{found['running'] or ''}",
        f"  started      {started['day']} in the last 24 hours, {started['month']} in the last 30 days",
        f"  spent        {found['spent_usd']:.2f} USD in 30 days{_unknown(found['unknown_costs'])}",
        f"  in a row     {found['losses']} refused or failed since the last promotion",
        f"  to learn     {new['rows']:,} labelled rows in {new['files']} files since the newest dataset",
    ]
    if found["given_up"]:
        lines.append(f"  given up     since {found['given_up']['since']}; go on with: {found['given_up']['command']}")
    for each in found["waiting"]:
        until = f", not before {each['until']}" if each["until"] else ""
        lines.append(f"  waits        {each['key']} since {each['since']} ({each['times']} times){until}")
    return lines + _last(found["last"])


_STATES = {"given_up": "given up, a person is asked", "training": "training: ", "ready": "nothing is in progress"}


def _unknown(runs: int) -> str:
    return f", and the cost of {runs} runs is not known" if runs else ""


def _last(last: dict[str, Any] | None) -> list[str]:
    if last is None:
        return ["  decided      nothing yet"]
    lines = [f"  decided      {last['at']} {last['what']}: {last['reason']}"]
    return lines + [f"    {'yes' if a['passed'] else 'NO '}  {a['question']}  {a['answer']}" for a in last["decision"]]
