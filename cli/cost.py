"""`trimtab cost`: what a month of a model costs by the dated table of prices, from its spec alone."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.options import JsonOption
from cli.terminal import wide_console
from trimtab.cost.month import Assumptions, Month, month_of
from trimtab.errors import SpecError
from trimtab.spec import Spec, load_spec_file
from trimtab.spec.prices import AS_OF, CURRENCY

MILLION = 1_000_000
_BOTH = (0, MILLION)


def cost(
    model: Annotated[str, typer.Argument(help="A model.yaml, or the name of a folder below models/.")],
    requests_per_day: Annotated[
        list[float] | None, typer.Option("--requests-per-day", help="Of one month each; 0 and a million unless given.")
    ] = None,
    assume: Annotated[
        list[str] | None, typer.Option("--assume", help="NAME=NUMBER, in place of one of the printed assumptions.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a month of MODEL costs by the dated table of prices: at rest, and with requests."""
    spec, assumed = load_spec_file(file_of(model)), assumptions(assume or [])
    months = [month_of(spec, requests, assumed=assumed) for requests in requests_per_day or _BOTH]
    if as_json:
        print(json.dumps([month.to_json() for month in months]))
        return
    console = wide_console()
    console.print(table(months))
    for line in notes(spec, months, assumed):
        console.print(line, highlight=False)


def file_of(model: str) -> Path:
    """The model.yaml that is meant. Raises SpecError where there is none."""
    found = [path for path in (Path(model), Path("models") / model / "model.yaml") if path.is_file()]
    if not found:
        raise SpecError(f"there is neither a file {model} nor models/{model}/model.yaml: name one of them")
    return found[0]


def assumptions(changes: Sequence[str]) -> Assumptions:
    """The usual ones with these changes. Raises SpecError that lists their names."""
    known = [field.name for field in fields(Assumptions)]
    assumed = Assumptions()
    for change in changes:
        name, _, number = change.partition("=")
        if name not in known or not _is_number(number):
            raise SpecError(f"--assume {change}: give NAME=NUMBER with one of {', '.join(known)}")
        assumed = replace(assumed, **{name: float(number)})
    return assumed


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def table(months: Sequence[Month]) -> Table:
    """A row for each item, a column for each month."""
    shown = Table(box=None, pad_edge=False)
    headings = ["item", *(f"{month.requests_per_day:,.0f} requests a day" for month in months)]
    for heading in headings:
        shown.add_column(heading, justify="left" if heading == "item" else "right")
    for row in rows(months):
        shown.add_row(*row)
    return shown


def rows(months: Sequence[Month]) -> list[list[str]]:
    """Item by item what each month costs in cents and above, and the sums."""
    items = list(dict.fromkeys(line.item for month in months for line in month.lines))
    found = [{line.item: line.usd for line in month.lines} for month in months]
    listed = [[item, *(f"{month.get(item, 0.0):.2f}" for month in found)] for item in items]
    return [*listed, [f"all, {CURRENCY} a month", *(f"{month.usd:.2f}" for month in months)]]


def notes(spec: Spec, months: Sequence[Month], assumed: Assumptions) -> list[str]:
    """What the numbers rest on."""
    said = [f"List prices of {AS_OF} in us-east-1, without free tiers. Training is not in it."]
    unknown = {name for month in months for name in month.unknown}
    if unknown:
        said.append(f"Not known, and left out: {', '.join(sorted(unknown))} ({spec.rollout.instance_type}).")
    stated = ", ".join(f"{field.name}={getattr(assumed, field.name):g}" for field in fields(assumed))
    return [*said, f"Assumed: {stated}."]
