"""`trimtab compare`: what differs between two versions."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.options import JsonOption, StageOption
from cli.stage import Stage
from cli.terminal import wide_console
from cli.versions import VersionReference, read_json, recorded
from trimtab.reports.comparison import Difference, Side, compare, same_holdout
from trimtab.reports.figures import figure
from trimtab.training.reproduction import file_digests


def compare_versions(
    first: VersionReference, second: VersionReference, stage: StageOption = "dev", as_json: JsonOption = False
) -> None:
    """Print what differs between two versions: data, code, parameters, spec, metrics with intervals, slices."""
    where = Stage(stage)
    sides = side_of(where, first), side_of(where, second)
    found = compare(*sides)
    if as_json:
        said = {name: [each.to_json() for each in differences] for name, differences in found.items()}
        print(json.dumps({"first": first, "second": second, "same_holdout": same_holdout(*sides)} | said, default=str))
        return
    show(sides, found, wide_console())


def side_of(stage: Stage, reference: str) -> Side:
    """Everything that a comparison looks at."""
    found = recorded(stage, reference)
    record = found.record
    return Side(
        found.name,
        record,
        read_json(stage, record["evaluation"]["uri"]),
        read_json(stage, record["dataset"]["manifest"]),
        _bundle(stage, record["code"]["uri"], record["code"]["version"]),
    )


def _bundle(stage: Stage, uri: str, version: str) -> dict[str, str]:
    """Digests of the files of a code bundle; none when it is gone."""
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "code.tar.gz")
        try:
            stage.objects.download(uri, archive, version or None)
        except FileNotFoundError:
            return {}
        return file_digests(archive)


def show(sides: tuple[Side, Side], found: Mapping[str, list[Difference]], console: Console) -> None:
    """A table for each section in which something differs."""
    if not any(found.values()):
        console.print(f"{sides[0].name} and {sides[1].name} do not differ in anything that was recorded")
    for section, differences in found.items():
        if differences:
            console.print(_table(section, sides, differences))
    if found["metrics"] and not same_holdout(*sides):
        console.print("The metrics were measured on different hold-outs: the data differ.")


def _table(section: str, sides: tuple[Side, Side], differences: list[Difference]) -> Table:
    shown = Table(title=section, title_justify="left", box=None, pad_edge=False)
    for heading in ("what", sides[0].name, sides[1].name, "difference"):
        shown.add_column(heading, overflow="fold")
    for each in differences:
        shown.add_row(
            each.what, _said(each.first, each.first_interval), _said(each.second, each.second_interval), _by(each)
        )
    return shown


def _said(value: object, ends: tuple[float, float] | None) -> str:
    interval = f" [{figure(ends[0])}, {figure(ends[1])}]" if ends else ""
    return f"{figure(value) if value is None or isinstance(value, int | float) else value}{interval}"


def _by(each: Difference) -> str:
    numbers = [value for value in (each.first, each.second) if isinstance(value, int | float)]
    is_amount = len(numbers) == 2 and not any(isinstance(value, bool) for value in numbers)
    return f"{numbers[1] - numbers[0]:+.4g}" if is_amount else ""
