"""What moves a candidate: charts and tables of the evaluation's sections ``importance`` and ``explain``."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from markupsafe import Markup

from trimtab.reports.figures import figure
from trimtab.reports.plots import Whisker, whisker_chart
from trimtab.reports.svg import Bar, bar_chart

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """A chart, and the same as a table."""

    title: str
    words: str
    chart: Markup
    head: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def explained(report: Json, features: int, curves: int) -> list[Part]:
    """At most ``features`` of the leading ones and ``curves`` of the dependences; empty for a report without any."""
    found = report.get("explain")
    section = found if isinstance(found, Mapping) else {}
    parts = [_importance(report, section, features), _shapley(section, features), *_dependence(section, curves)]
    return [part for part in parts if part is not None]


def _importance(report: Json, section: Json, most: int) -> Part | None:
    """With intervals where the evaluation has them, else as plain bars."""
    measured = section.get("importance")
    if isinstance(measured, Mapping) and (rows := _estimates(measured.get("features"), most)):
        words = f"What {measured.get('metric')} loses on {figure(measured.get('rows'))} rows of the hold-out when the "
        words += "feature's values are shuffled among them, with 95 % intervals over the rows."
        return Part("Loss when a feature is shuffled", words, *_whiskers("Loss when a feature is shuffled", rows))
    plain = report.get("importance")
    if not isinstance(plain, Mapping):
        return None
    ranked = sorted(((value, str(name)) for name, value in plain.items() if _is_number(value)), reverse=True)[:most]
    bars = [Bar(name, max(value, 0.0), figure(value)) for value, name in ranked]
    chart = bar_chart("Loss when a feature is shuffled", bars)
    table = [(name, value) for value, name in ranked]
    return Part("Loss when a feature is shuffled", "", chart, ("Feature", "Loss"), table) if bars else None


def _shapley(section: Json, most: int) -> Part | None:
    found = section.get("shap")
    rows = _estimates(found.get("mean_absolute"), most) if isinstance(found, Mapping) else []
    if not rows or not isinstance(found, Mapping):
        return None
    words = f"Mean absolute Shapley value over {figure(found.get('rows'))} rows, in the units of the answer: how far "
    words += f"the feature moves single answers from their mean of {figure(found.get('base'))}."
    return Part("What a feature adds to single answers", words, *_whiskers("Mean absolute Shapley value", rows))


def _dependence(section: Json, most: int) -> Iterator[Part]:
    for each in list(section.get("dependence") or [])[:most]:
        for name, curve in each["curves"].items():
            of = "" if name == "score" else f", answer {name}"
            title = f"Answers along {each['feature']}{of}"
            grid = [str(value) if not isinstance(value, float) else figure(value) for value in each["grid"]]
            points = zip(grid, curve["mean"], curve["lo"], curve["hi"], strict=True)
            rows = [row for row in points if all(map(_is_number, row[1:]))]
            words = f"{figure(each['rows'])} rows with this value in place of their own: the mean answer, and the span "
            words += "of four rows in five."
            if rows:
                yield Part(title, words, *_whiskers(title, rows, first="Value", second="Mean answer"))


def _estimates(found: Any, most: int) -> list[tuple[str, float, float, float]]:
    """Name, value and interval of those that have all three, largest first."""
    named = found.items() if isinstance(found, Mapping) else ()
    rows = [(str(name), each.get("value"), each.get("lo"), each.get("hi")) for name, each in named]
    known = [row for row in rows if all(map(_is_number, row[1:]))]
    return sorted(known, key=lambda row: -row[1])[:most]


def _whiskers(
    title: str, rows: list[tuple[str, float, float, float]], first: str = "Feature", second: str = "Value"
) -> tuple[Markup, tuple[str, ...], list[tuple[Any, ...]]]:
    return whisker_chart(title, [Whisker(*row) for row in rows]), (first, second, "from", "to"), list(rows)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
