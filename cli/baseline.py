"""`trimtab baseline`: what windows of the serving version are held against, and a person who says otherwise."""

import json
from typing import Annotated, Any

import typer

from cli.asking import ended, start
from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import CommandError, Stage
from trimtab.ledger.kinds import BASELINE_RECONSIDERED, WINDOW_MEASURED
from trimtab.monitoring.reconsidered import TRAINING, answered, in_force
from trimtab.ports import Entry, Ledger

app = typer.Typer(no_args_is_help=True)
SHOWN = 10
"""Windows that are listed."""


@app.command("show")
def show(model: ModelArgument, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """Print what windows of the serving version are held against, and which windows could take its place."""
    found = seen(Stage(stage).ledger(model))
    print(json.dumps(found) if as_json else "\n".join(in_words(found, model)))


@app.command("use")
def use(
    model: ModelArgument,
    window: Annotated[str, typer.Argument(help="Id of a window, as show lists them, or training.")],
    reason: Annotated[str, typer.Option("--reason", help="Why this is how it should be; kept in the ledger.")],
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Hold later windows of the serving version against WINDOW, or against its training rows again."""
    if not reason.strip():
        raise CommandError("say why this is how it should be: --reason TEXT")
    where = Stage(stage)
    ledger = where.ledger(model)
    execution = ask(where, model, window, reason)
    found = ended(where, ledger, execution, lambda name: answered(ledger, name), "nothing was reconsidered")
    if found["outcome"] != "Reconsidered":
        raise CommandError(str(found["summary"]))
    held = "its training rows" if window == TRAINING else f"window {window}"
    said = f"version {found['version']} of {model} is held against {held} from the next window on"
    print(json.dumps(found) if as_json else said)


def ask(stage: Stage, model: str, window: str, reason: str) -> str:
    """ARN of the execution that writes the word down, in the name of whose credentials these are.

    Raises CommandError.
    """
    machine = stage.model(model).get("BaselineMachine")
    if machine is None:
        raise CommandError(f"{model} was deployed before its baseline could be reconsidered: deploy its stack")
    request = {"model": model, "window": window, "reason": reason}
    return start(stage, machine, "baseline", request, "reconsider the baseline")


def seen(ledger: Ledger) -> dict[str, Any]:
    """The version that serves, who has said what of its baseline, and its newest windows."""
    champion = ledger.state("champion")
    if champion is None:
        raise CommandError(f"no version of {ledger.model} serves, so nothing is held against a baseline")
    version = int(champion["version"])
    words = ledger.entries(BASELINE_RECONSIDERED)
    word = in_force(words, version)
    said_at = [entry.at.isoformat() for entry in words if word is not None and entry.data == word]
    windows = [_window(entry) for entry in ledger.entries(WINDOW_MEASURED) if entry.data.get("version") == version]
    told = {name: word[name] for name in ("window", "by", "reason")} | {"at": said_at[-1]} if word else None
    return {"model": ledger.model, "version": version, "reconsidered": told, "windows": windows[-SHOWN:]}


def _window(entry: Entry) -> dict[str, Any]:
    data = entry.data
    broken = "broken" if data.get("schema_breaks") else ""
    fit = broken or ("" if data.get("judged") else "not judged")
    told = {"window": entry.subject, "rows": data["window"]["rows"], "max_psi": data.get("max_psi")}
    return told | {"reference": data.get("reference", TRAINING), "unfit": fit}


def in_words(found: dict[str, Any], model: str) -> list[str]:
    """The same as people read it."""
    word = found["reconsidered"]
    held = (
        f"window {word['window']}, since {word['at']}: {word['by']}: {word['reason']}" if word else "its training rows"
    )
    lines = [f"version {found['version']} of {model} is held against {held}"]
    for each in found["windows"]:
        psi = "-" if each["max_psi"] is None else f"{each['max_psi']:.3f}"
        unfit = f"  ({each['unfit']})" if each["unfit"] else ""
        lines.append(
            f"  {each['window']}  {each['rows']:,} records, largest PSI {psi} against {each['reference']}{unfit}"
        )
    return lines
