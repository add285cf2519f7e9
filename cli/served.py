"""`trimtab served MODEL`: what served at a time, with the ledger's entries that prove it."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import CommandError, Stage
from trimtab.ports import Entry
from trimtab.rollout.served_at import ServedAt, served_at


def served(
    model: ModelArgument,
    at: Annotated[str, typer.Option("--at", help="Time, ISO 8601; UTC without a zone. Now when absent.")] = "",
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Print what served MODEL at a time, and the entries of the ledger that prove it."""
    entries = Stage(stage).ledger(model).entries()
    found = served_at(entries, instant(at, entries))
    if as_json:
        print(json.dumps(as_data(found)))
        return
    print(f"{found.at:%Y-%m-%d %H:%M:%S} UTC: {found.message}")
    for share in found.versions:
        part = "some part" if share.percent is None else f"{share.percent:g} %"
        print(f"  version {share.version}  {part}  {share.config}")
    for entry in found.evidence:
        print(f"  #{entry.seq} {entry.at:%Y-%m-%d %H:%M:%S} {entry.kind} by {entry.actor}  sha256 {entry.hash}")
    for doubt in found.doubts:
        print(f"  doubt: {doubt}")
    print(f"  ledger: {found.chain or f'{len(entries)} entries, and every hash follows from the one before it'}")


def instant(text: str, entries: list[Entry]) -> datetime:
    """The time that is meant, with a zone; now, or the newest entry's time where that is later (a clock run ahead).

    Raises CommandError for what is no time, and for one that has not come.
    """
    latest = max([datetime.now(UTC), *(entry.at for entry in entries)])
    if not text:
        return latest
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no time; write it like 2013-07-04T12:00 or 2013-07-04T12:00+02:00") from error
    meant = found if found.tzinfo else found.replace(tzinfo=UTC)
    if meant > latest:
        raise CommandError(f"{text} has not come yet, so nobody knows what serves then: it is {latest:%Y-%m-%dT%H:%M}Z")
    return meant


def as_data(found: ServedAt) -> dict[str, Any]:
    """The answer for programs."""
    return {
        "at": found.at.isoformat(),
        "state": found.state,
        "message": found.message,
        "since": found.since.isoformat() if found.since else None,
        "versions": [
            {"version": share.version, "config": share.config, "percent": share.percent} for share in found.versions
        ],
        "evidence": [
            {"seq": entry.seq, "kind": entry.kind, "at": entry.at.isoformat(), "actor": entry.actor, "hash": entry.hash}
            for entry in found.evidence
        ],
        "doubts": list(found.doubts),
        "chain": "whole" if found.chain is None else found.chain,
    }
