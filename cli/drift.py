"""`trimtab drift`: what monitoring has found of a model, and what was done about it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.options import JsonOption, ModelArgument, StageOption
from cli.stage import CommandError, Stage
from cli.terminal import wide_console
from trimtab.aws.alarm_reader import CloudWatchAlarmReader
from trimtab.monitoring.alarms import Turn, lately
from trimtab.names import MONITORING_PAGE, model_stack_name
from trimtab.reports.figures import figure
from trimtab.reports.monitoring_seen import Cell, Seen, WindowSeen, reader, see
from trimtab.reports.monitoring_words import Said, headline, interval, rang_said, sentences

_STYLES = {"broken": "bold magenta", "moved": "bold red", "chance": "yellow", "within": "green", "unknown": ""}
_SIGNS = {"broken": "✕", "moved": "!", "chance": "?", "within": "", "unknown": ""}
_ACTS = 10


def drift(
    model: ModelArgument,
    windows: Annotated[int, typer.Option("--windows", help="How many of the newest.", min=1)] = 8,
    column: Annotated[str, typer.Option("--column", help="Show this column's distribution, too.")] = "",
    html: Annotated[Path | None, typer.Option("--html", help="Write a page to this file.")] = None,
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Print what moved in production, how MODEL performs, and what was done about it."""
    where = Stage(stage)
    seen = see(model, where.ledger(model).entries(), reader(where.objects.read), windows)
    seen = replace(seen, turns=turns(where, seen))
    if column and column not in seen.columns:
        raise CommandError(f"no window has a column {column}; measured are: {', '.join(seen.columns) or 'none yet'}")
    if html is not None:
        from trimtab.reports.monitoring_page import monitoring_page  # jinja2, which the tables do without

        html.write_bytes(monitoring_page(seen))
    if as_json:
        print(json.dumps(seen.to_json(), default=str))
        return
    show(seen, column, wide_console())
    if page := newest_page(where, model):
        print(f"\nthe last run's page: {page}")
    if html is not None:
        print(f"\nwritten: {html}")


def turns(where: Stage, seen: Seen) -> list[Turn]:
    """How the model's alarms have turned since the oldest window that is shown."""
    if not seen.windows:
        return []
    since = datetime.fromisoformat(str(seen.windows[0].drift["window"]["start"]))
    alarms = CloudWatchAlarmReader(where.client("cloudwatch"))
    return lately(alarms, model_stack_name(where.name, seen.model), since)


def newest_page(where: Stage, model: str) -> str | None:
    """Address of the page that the newest monitoring run has written; None before the first."""
    uri = "/".join((f"s3://{where.data['CapturesBucket']}/{model}", *MONITORING_PAGE))
    return uri if where.objects.head(uri) else None


def show(seen: Seen, column: str, console: Console) -> None:
    """The verdict, then the tables that it rests on."""
    console.print(f"{seen.model}, version {seen.version or 'none'} serves. {headline(seen)}", soft_wrap=True)
    console.print(said_table(sentences(seen)))
    if seen.windows:
        console.print("\nDrift: PSI by column and window; ! moved, ? may be chance, ✕ broken")
        console.print(heat_map(seen))
        console.print("\nPerformance")
        console.print(performance(seen))
    if column and seen.newest:
        console.print(f"\n{column} in the window of {seen.newest.label}")
        console.print(distribution(seen.newest, column))
    if seen.rang:
        console.print("\nAlarms that rang, newest first")
        console.print(alarms(seen))
    if seen.acts:
        console.print("\nDecided and done, newest first")
        console.print(acts(seen))


def said_table(said: Sequence[Said]) -> Table:
    """A row for each sentence."""
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for each in said:
        shown.add_row(each.about, Text(each.text, style="red" if each.bad else ""))
    return shown


def heat_map(seen: Seen) -> Table:
    """A row for each column and one for the scores, a column for each window."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("column")
    for window in seen.windows:
        shown.add_column(f"{window.label}\nv{window.version}", justify="right")
    for name in seen.columns:
        shown.add_row(name, *(_heat(cell) for cell in seen.cells(name)))
    scores = [window.drift.get("prediction_value", window.drift.get("prediction_psi")) for window in seen.windows]
    shown.add_row("(scores)", *("–" if value is None else f"{value:.3f}" for value in scores))
    return shown


def _heat(cell: Cell) -> Text:
    """The figure, coloured by how it is judged, with a sign for who sees no colours."""
    value = "–" if cell.psi is None else f"{cell.psi:.3f}"
    return Text(value + _SIGNS[cell.state], style=_STYLES[cell.state])


def performance(seen: Seen) -> Table:
    """A row for each window: the metric with its interval, the drop, coverage, and the estimate before truth came."""
    shown = Table(box=None, pad_edge=False)
    right = {"records", "labels", "coverage", "drop"}
    metric = seen.metric or "metric"
    for heading in ("window", "version", "records", "labels", "coverage", metric, "drop", "estimate without truth"):
        shown.add_column(heading, justify="right" if heading in right else "left")
    for window in seen.windows:
        shown.add_row(window.label, str(window.version), figure(window.drift["window"]["rows"]), *_row(window, metric))
    return shown


def _row(window: WindowSeen, metric: str) -> list[str]:
    found, estimate = window.quality, window.estimate or {}
    guess = estimate.get("estimate")
    told = "–" if guess is None else f"{figure(guess)}{interval(estimate.get('interval'))}"
    if found is None or not found["n"]:
        return ["–", "–", "no truth yet", "–", told]
    value = f"{figure(found['metrics'].get(metric))}{interval(found.get('interval'))}"
    drop = "–" if found.get("drop") is None else f"{found['drop']:+.4f}"
    return [figure(found["n"]), f"{found['coverage']:.1%}", value, drop, told]


def distribution(window: WindowSeen, column: str) -> Table:
    """Shares of the reference's and of the window's rows by bin. Raises CommandError where drift.json is gone."""
    if column not in window.columns:
        raise CommandError(f"the bins of {column} are not kept: there is no {window.drift.get('report_uri')}")
    bins = window.columns[column]["bins"]
    left, right = (shares(bins[side]) for side in ("reference", "current"))
    shown = Table("bin", "reference", "window", "", box=None, pad_edge=False)
    for label, before, now in zip(bins["labels"], left, right, strict=True):
        shown.add_row(label, f"{before:.1%}", f"{now:.1%}", Text("█" * round(40 * now), style="cyan"))
    return shown


def shares(counts: Sequence[int]) -> list[float]:
    """Each count's share of all; zeros of nothing."""
    return [count / max(sum(counts), 1) for count in counts]


def alarms(seen: Seen) -> Table:
    """The newest times at which alarms rang."""
    shown = Table("since (UTC)", "alarm", "", box=None, pad_edge=False)
    for each in list(reversed(seen.rang))[:_ACTS]:
        shown.add_row(f"{each.start:%Y-%m-%d %H:%M}", each.label, rang_said(each))
    return shown


def acts(seen: Seen) -> Table:
    """The newest acts."""
    shown = Table("when (UTC)", "about", "what", "why", box=None, pad_edge=False)
    for act in list(reversed(seen.acts))[:_ACTS]:
        shown.add_row(f"{act.at:%Y-%m-%d %H:%M}", act.lane, f"{act.sign} {act.words}", act.summary[:160])
    return shown
