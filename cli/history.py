"""`trimtab history MODEL`: what was decided, from the ledger."""

import json
from dataclasses import asdict

from rich.table import Table

from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import Stage
from cli.terminal import wide_console as wide_console
from trimtab.ports import Entry


def history(model: ModelArgument, stage: StageOption = "dev", as_json: JsonOption = False) -> None:
    """Print everything that was decided for MODEL, in order."""
    entries = Stage(stage).ledger(model).entries()
    if as_json:
        print(json.dumps([asdict(entry) for entry in entries], default=str))
        return
    wide_console().print(table(entries))


def table(entries: list[Entry]) -> Table:
    """The entries as people read them."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("#", "when (UTC)", "what", "about", "summary"):
        shown.add_column(heading, overflow="fold", no_wrap=heading in ("#", "when (UTC)", "what"))
    for entry in entries:
        when = entry.at.strftime("%Y-%m-%d %H:%M:%S")
        shown.add_row(str(entry.seq), when, entry.kind, entry.subject, str(entry.data.get("summary", "")))
    return shown
