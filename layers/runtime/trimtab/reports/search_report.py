"""The page of a search: each trial's value in order, and a table. One file without scripts or addresses."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup, escape

_WIDTH: Final = 720
_HEIGHT: Final = 220
_LEFT: Final = 80
"""Room for the scale's figures, which no trial's dot may cover."""
_EDGE: Final = 40
_STYLE: Final = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;color:#1d2733}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;border-bottom:1px solid #d8dee6;"
    "text-align:left;font-variant-numeric:tabular-nums}.best{background:#e5f4ea}.failed{color:#a32020}"
    "circle{fill:#35608f}circle.best{fill:#1c8a4b}line,path{stroke:#8796a6;fill:none}text{fill:#52606e;font-size:12px}"
)


def search_page(model: str, result: Mapping[str, Any]) -> str:
    """The page of a search's result, as ``Search`` records it."""
    best = result["value"]
    found = "no trial gave a value" if best is None else f"best {result['metric']}: {best:.5f}"
    cost = result.get("cost")
    spent = f", about {cost['amount']:.2f} {cost['currency']} at list prices of {cost['prices_of']}" if cost else ""
    return Markup(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{0}: search</title><style>{1}</style>"
        "<h1>{0}: search {2}</h1><p>{3}; {4} trials, {5} failed, {6:.0f} seconds of training{7}.</p>"
        "<p>Strategy {8}, {9} {10}. The values are those of rows that no trial has learnt from, and not of the "
        "hold-out: the candidate is judged on others.</p>{11}{12}</html>"
    ).format(
        model,
        Markup(_STYLE),
        result["job"],
        found,
        result["tried"],
        result["failed"],
        result["seconds"],
        spent,
        result["strategy"],
        result["direction"].lower(),
        result["metric"],
        chart(result),
        _table(result),
    )


def chart(result: Mapping[str, Any]) -> Markup:
    """Values over the trials' order, and the best so far as a line; empty when no trial gave a value."""
    values = [(index, trial["value"]) for index, trial in enumerate(result["trials"]) if trial["value"] is not None]
    if not values:
        return Markup("")
    low, high = min(value for _, value in values), max(value for _, value in values)
    across = (_WIDTH - _LEFT - _EDGE) / max(len(result["trials"]) - 1, 1)
    up = (_HEIGHT - 2 * _EDGE) / ((high - low) or 1.0)
    points = [(_LEFT + index * across, _HEIGHT - _EDGE - (value - low) * up, value) for index, value in values]
    axis = Markup('<text x="4" y="{0}">{1:.4f}</text><text x="4" y="{2}">{3:.4f}</text>').format(
        _HEIGHT - _EDGE, low, _EDGE, high
    )
    parts = [axis, _best_so_far(points, result["direction"]), *(_dot(point, result["value"]) for point in points)]
    return Markup('<svg viewBox="0 0 {0} {1}" role="img" aria-label="values of the trials">{2}</svg>').format(
        _WIDTH, _HEIGHT, Markup("").join(parts)
    )


def _dot(point: tuple[float, float, float], best: float) -> Markup:
    x, y, value = point
    return Markup('<circle{0} cx="{1:.1f}" cy="{2:.1f}" r="4"><title>{3:.5f}</title></circle>').format(
        Markup(' class="best"') if value == best else "", x, y, value
    )


def _best_so_far(points: Sequence[tuple[float, float, float]], towards: str) -> Markup:
    better = max if towards == "Maximize" else min
    steps, so_far = [], points[0]
    for x, y, value in points:
        if better(value, so_far[2]) == value:
            so_far = (x, y, value)
        steps.append(f"{x:.1f},{so_far[1]:.1f}")
    return Markup('<path d="M{0}"/>').format(" L".join(steps))


def _table(result: Mapping[str, Any]) -> Markup:
    names = sorted({name for trial in result["trials"] for name in trial["hyperparameters"]})
    head = Markup("").join(Markup("<th>{0}</th>").format(name) for name in (*names, result["metric"], "seconds", ""))
    rows = Markup("").join(_row(trial, names, result["value"]) for trial in result["trials"])
    return Markup("<table><tr><th>trial</th>{0}</tr>{1}</table>").format(head, rows)


def _row(trial: Mapping[str, Any], names: Sequence[str], best: float | None) -> Markup:
    value, seconds = trial["value"], trial["seconds"]
    style = "best" if value is not None and value == best else "failed" if value is None else ""
    told = trial["failure"][:300] if value is None else "" if trial["status"] == "Completed" else trial["status"]
    cells = [trial["name"], *(trial["hyperparameters"].get(name, "") for name in names)]
    cells += ["" if value is None else f"{value:.5f}", "" if seconds is None else f"{seconds:.0f}", told]
    body = Markup("").join(Markup("<td>{0}</td>").format(escape(cell)) for cell in cells)
    return Markup('<tr class="{0}">{1}</tr>').format(style, body)
