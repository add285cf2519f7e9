"""`trimtab rollback MODEL`: an earlier version serves again, by one command."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import CommandError, Stage, status_of
from trimtab.ledger.kinds import ROLLBACK_DONE, ROLLBACK_FAILED, ROLLBACK_REQUESTED
from trimtab.ports import Entry

_LOOK_S = 1.0


@dataclass(frozen=True)
class Asked:
    """One execution of the rollback machine."""

    stage: Stage
    model: str
    arn: str

    @property
    def name(self) -> str:
        """Subject of the ledger's entries about it."""
        return self.arn.rsplit(":", 1)[1]

    def status(self) -> str:
        return status_of(self.stage, self.arn)

    def entries(self) -> list[Entry]:
        """What the ledger says of it so far."""
        return self.stage.ledger(self.model).entries("", self.name)

    def followed(self) -> Iterator[Entry]:
        """Its entries as they come, until it has ended."""
        told = 0
        while True:
            status = self.status()
            for entry in self.entries()[told:]:
                told += 1
                yield entry
            if status != "RUNNING":
                return
            time.sleep(_LOOK_S)


def rollback(
    model: ModelArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the ledger and with the version.")],
    to: Annotated[int, typer.Option("--to", help="Version; the last good one when absent.", min=0)] = 0,
    stage: StageOption = "dev",
    as_json: JsonOption = False,
    wait: Annotated[bool, typer.Option(help="Follow it to its end.")] = True,
) -> None:
    """Bring the version of MODEL back that served before, or another. A rollout under way is stopped first."""
    asked = ask(Stage(stage), model, to, reason)
    if not wait:
        print(json.dumps({"execution": asked.arn}) if as_json else f"asked for: {asked.arn}")
        return
    entries = []
    for entry in asked.followed():
        entries.append(entry)
        if not as_json:
            print(f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.data.get('summary', entry.kind)}")
    found = outcome(asked, entries)
    if as_json:
        print(json.dumps(found))
    if found["outcome"] != "Restored":
        raise CommandError(f"no rollback: {found['reason']}")


def ask(stage: Stage, model: str, to: int, reason: str) -> Asked:
    """A started execution, which knows whose credentials asked. Raises CommandError without a reason."""
    if not reason.strip():
        raise CommandError("say why: --reason TEXT")
    by = str(stage.client("sts").get_caller_identity()["Arn"])
    request = {"model": model, "to": to, "reason": reason, "by": by}
    started = stage.client("stepfunctions").start_execution(
        stateMachineArn=stage.model(model)["RollbackMachine"],
        name=f"rollback-{uuid.uuid4().hex[:16]}",
        input=json.dumps(request),
    )
    return Asked(stage, model, str(started["executionArn"]))


def outcome(asked: Asked, entries: list[Entry]) -> dict[str, Any]:
    """How it ended, for programs: Restored, Refused or Failed, with the entries that say so."""
    by_kind = {entry.kind: entry for entry in entries}
    said = by_kind.get(ROLLBACK_DONE) or by_kind.get(ROLLBACK_FAILED) or by_kind.get(ROLLBACK_REQUESTED)
    ended = "Restored" if ROLLBACK_DONE in by_kind else "Failed"
    if said is not None and said.kind == ROLLBACK_REQUESTED and said.data["outcome"] == "Refused":
        ended = "Refused"
    data = said.data if said else {"reason": f"the execution ended {asked.status()} before anything was decided"}
    return {
        "outcome": ended,
        "reason": data["reason"],
        **{name: data.get(name) for name in ("from_version", "to_version", "config", "made_again")},
        "execution": asked.arn,
        "entries": [{"seq": entry.seq, "kind": entry.kind, "hash": entry.hash} for entry in entries],
    }
