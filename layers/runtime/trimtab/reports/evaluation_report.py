"""The page on a candidate: what was measured, what each gate made of it. One file, no script, no address."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard

from markupsafe import Markup

from trimtab.contracts import Gate, Judgement
from trimtab.reports.explained import explained
from trimtab.reports.figures import PAGE_BYTES, figure
from trimtab.reports.pages import template
from trimtab.reports.plots import Whisker, square_chart, whisker_chart
from trimtab.reports.svg import Bar, bar_chart

Json = Mapping[str, Any]
HEADLINES: Final = {
    "pass": "Passed: the candidate may be offered for approval",
    "refuse": "Refused: the champion stays",
    "not_judged": "Not judged: too little evidence, the champion stays",
}
OUTCOMES: Final = {"pass": "pass", "refuse": "refuse", "not_judged": "not judged"}
_SHOWN: Final = {"slices": 60, "points": 60, "features": 40, "dependences": 25}


def evaluation_html(model: str, primary: str, report: Json, judgement: Judgement) -> bytes:
    """The report and its judgement as one page under 200 KB, a table under every chart; lists are cut to fit.

    ``primary`` is the metric that slices are drawn in.
    """
    pages = (_page(model, primary, report, judgement, halvings) for halvings in range(6))
    return next((page for page in pages if len(page) < PAGE_BYTES), _page(model, primary, report, judgement, 6))


def _page(model: str, primary: str, report: Json, judgement: Judgement, halvings: int) -> bytes:
    shown = {name: max(2, count >> halvings) for name, count in _SHOWN.items()}
    slices = [each for each in report.get("slices") or [] if isinstance(each, Mapping)]
    page = template("evaluation_report.html", ends=_ends).render(
        model=model,
        report=report,
        judgement=judgement,
        headline=HEADLINES[judgement.outcome],
        against=[gate for gate in judgement.gates if gate.outcome != "pass"],
        accepted=[gate for gate in judgement.gates if gate.accepted_risk],
        metrics=list(_metrics(report)),
        curves=list(_curves(report, shown["points"])),
        calibration=_calibration(report),
        slices=slices[: shown["slices"]],
        slices_left=max(len(slices) - shown["slices"], 0),
        slice_chart=_slice_chart(slices[: shown["slices"]], primary),
        primary=primary,
        bias=[(name, found, _bias_chart(name, found)) for name, found in _bias(report)],
        explained=explained(report, shown["features"], shown["dependences"]),
        outcomes=OUTCOMES,
    )
    return page.encode()


def _ends(value: Any) -> str:
    """An interval as people read it; a dash for none."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_number, value)):
        return "–"
    return f"{figure(value[0])} to {figure(value[1])}"


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _metrics(report: Json) -> Iterator[tuple[str, Any, Any, Any, Any]]:
    """Name, candidate with interval, baseline, champion."""
    measured = report.get("metrics") or {}
    intervals = (report.get("intervals") or {}).get("candidate") or {}
    others = [measured.get(name) or {} for name in ("baseline", "champion")]
    for name, value in (measured.get("candidate") or {}).items():
        if value is None or _is_number(value):
            yield name, value, intervals.get(name), others[0].get(name), others[1].get(name)


def _curves(report: Json, points: int) -> Iterator[tuple[str, str, str, Markup, list[Any]]]:
    """Title, names of the two columns, chart and rows of each curve that the report holds."""
    found = report.get("curves") or {}
    for key, title, across, up, diagonal in (
        ("roc", "ROC curve", "false positive rate", "true positive rate", True),
        ("precision_recall", "Precision and recall", "recall", "precision", False),
    ):
        line = [(x, y) for x, y in found.get(key) or []][:: max(1, 60 // points)]
        if line:
            yield title, across, up, square_chart(title, across, up, line, diagonal=diagonal, dots=False), line
    bars = [(f"{low:.4g} to {high:.4g}", count) for low, high, count in found.get("residuals") or []]
    if bars:
        drawn = bar_chart("Residuals", [Bar(label, float(count), f"{count:,}") for label, count in bars])
        yield "Residuals (observed less predicted)", "between", "rows", drawn, bars


def _calibration(report: Json) -> dict[str, Any] | None:
    found = report.get("calibration")
    if not isinstance(found, Mapping) or not found.get("bins"):
        return None
    points = [(each["predicted"], each["observed"]) for each in found["bins"]]
    low, high = min(map(min, points)), max(map(max, points))
    unit = all(0 <= value <= 1 for value in (low, high))
    span = 1.0 if unit else (high - low) or 1.0
    start = 0.0 if unit else low
    scaled = [((x - start) / span, (y - start) / span) for x, y in points]
    title = "Predicted and observed, by bins of equally many rows"
    return {"chart": square_chart(title, "predicted", "observed", scaled, diagonal=True, dots=True), "found": found}


def _slice_chart(slices: Sequence[Json], primary: str) -> Markup:
    rows = [
        Whisker(str(each["name"]), value, *each["interval"])
        for each in slices
        if _is_number(value := (each.get("metrics") or {}).get(primary)) and _ends(each.get("interval")) != "–"
    ]
    return whisker_chart(f"{primary} by slice, with intervals", rows) if rows else Markup("")


def _bias(report: Json) -> list[tuple[str, Json]]:
    found = report.get("bias")
    return [(str(name), each) for name, each in found.items()] if isinstance(found, Mapping) else []


def _bias_chart(name: str, found: Json) -> Markup:
    rows = [
        Whisker(str(group["group"]), rate["value"], rate["interval"][0], rate["interval"][1])
        for group in found.get("groups") or []
        if _is_number((rate := group["selection_rate"])["value"])
    ]
    return whisker_chart(f"{name}: share of favourable decisions by group", rows) if rows else Markup("")


def gate_line(gate: Gate) -> tuple[str, str, str, str, str, str]:
    """Name, outcome, value, interval, limit and number of rows of a gate, in words."""
    ends = _ends(gate.interval)
    return gate.name, OUTCOMES[gate.outcome], figure(gate.value), ends, figure(gate.limit), figure(gate.n)
