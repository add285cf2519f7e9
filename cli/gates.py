"""`trimtab models gates`, `trimtab models show`: what each gate made of a candidate, refused ones included."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.errors import CommandError
from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import Stage
from cli.terminal import wide_console
from trimtab.contracts import Gate, Judgement
from trimtab.ledger.kinds import CANDIDATE_JUDGED, CANDIDATE_REGISTERED
from trimtab.ledger.lookup import decided
from trimtab.ports import Entry
from trimtab.reports.figures import figure

CandidateArgument = Annotated[
    str, typer.Argument(metavar="VERSION|RUN", help="Version in the registry, or a run, registered or not.")
]
STYLES = {"pass": "green", "refuse": "bold red", "not_judged": "yellow"}
HEADINGS = ("gate", "outcome", "value", "interval", "limit", "rows", "in words")


def print_gates(
    model: ModelArgument, candidate: CandidateArgument, stage: StageOption = "dev", as_json: JsonOption = False
) -> None:
    """Print each gate of a candidate of MODEL with value, interval, limit and rows."""
    where = Stage(stage)
    run, judgement = judgement_of(where, model, candidate)
    if as_json:
        print(json.dumps({"run": run} | judgement.to_json()))
        return
    console = wide_console()
    console.print(table(judgement.gates))
    console.print(f"{run}: {judgement.outcome}, policy {judgement.policy} ({judgement.policy_sha256[:12]})")
    if judgement.report_uri:
        console.print(f"the page: {judgement.report_uri}")


def show_version(
    model: ModelArgument, candidate: CandidateArgument, stage: StageOption = "dev", as_json: JsonOption = False
) -> None:
    """Print what is known of a candidate of MODEL: its state in the registry, its digests, and its gates."""
    where = Stage(stage)
    run, judgement = judgement_of(where, model, candidate)
    facts = described(where, model, run) | {"outcome": judgement.outcome, "policy_sha256": judgement.policy_sha256}
    if as_json:
        print(json.dumps(facts | {"gates": [gate.to_json() for gate in judgement.gates]}))
        return
    console = wide_console()
    shown = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        shown.add_row(name, str(value))
    console.print(shown)
    console.print()
    console.print(table(judgement.gates))


def judgement_of(stage: Stage, model: str, candidate: str) -> tuple[str, Judgement]:
    """The run behind ``candidate`` and what the ledger holds of its judgement. Raises CommandError."""
    run = run_of(stage, model, candidate)
    ledger = stage.ledger(model)
    found = decided(ledger, CANDIDATE_JUDGED, run)
    if found is None:
        known = ", ".join(entry.subject for entry in last(ledger.entries(CANDIDATE_JUDGED))) or "none"
        raise CommandError(f"{model} has no judged run '{run}'; the latest are: {known}")
    return run, Judgement.model_validate(found)


def run_of(stage: Stage, model: str, candidate: str) -> str:
    """The run of a version; anything that is no number is taken for a run."""
    from cli.packages import find  # which offers these commands

    number = candidate.removeprefix("v")
    return str(find(stage, model, int(number)).properties.get("run", "")) if number.isdigit() else candidate


def last(entries: list[Entry], most: int = 5) -> list[Entry]:
    """The newest first."""
    return entries[: -most - 1 : -1]


def described(stage: Stage, model: str, run: str) -> dict[str, Any]:
    """What the registry says of the version that a run became, if it became one."""
    registered = decided(stage.ledger(model), CANDIDATE_REGISTERED, run)
    if registered is None:
        return {"run": run, "registered": "no"}
    from cli.packages import find

    package = find(stage, model, int(registered["version"]))
    digests = {name: package.properties.get(name, "") for name in ("dataset", "artifact_sha256", "evaluation_sha256")}
    return {"run": run, "version": package.version, "status": package.status, "arn": package.arn, **digests}


def table(gates: tuple[Gate, ...]) -> Table:
    """The gates as people read them."""
    shown = Table(*HEADINGS, box=None, pad_edge=False)
    for gate in gates:
        interval = " to ".join(map(figure, gate.interval)) if gate.interval else "–"
        outcome = gate.outcome.replace("_", " ") + (" (accepted risk)" if gate.accepted_risk else "")
        row = (gate.name, outcome, figure(gate.value), interval, figure(gate.limit), figure(gate.n), gate.message)
        shown.add_row(*row, style=None if gate.outcome == "pass" else STYLES[gate.outcome])
    return shown
