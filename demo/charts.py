"""Inline SVG: small, without scripts, readable in light and dark."""

from collections.abc import Mapping, Sequence
from html import escape

CELL_W, CELL_H, LEFT, TOP = 62, 24, 150, 26
PSI_SCALE = ((0.1, "c0"), (0.25, "c1"), (1.0, "c2"), (float("inf"), "c3"))
"""Upper bounds of PSI and the class of their colour: none, small, large, very large."""


def heat_map(rows: Sequence[str], columns: Sequence[str], values: Mapping[tuple[str, str], float | None]) -> str:
    """PSI by column (rows) and month (columns); a missing value is an empty cell."""
    parts = [_text(LEFT + CELL_W * (x + 0.5), TOP - 8, name, "middle") for x, name in enumerate(columns)]
    for y, row in enumerate(rows):
        parts.append(_text(LEFT - 8, TOP + CELL_H * (y + 0.65), row, "end"))
        parts += [_cell(x, y, values.get((row, column))) for x, column in enumerate(columns)]
    return _svg(LEFT + CELL_W * len(columns) + 4, TOP + CELL_H * len(rows) + 4, parts, "PSI by column and month")


def _cell(x: int, y: int, value: float | None) -> str:
    left, top = LEFT + CELL_W * x, TOP + CELL_H * y
    shade = "none" if value is None else next(name for bound, name in PSI_SCALE if value < bound)
    box = f'<rect class="{shade}" x="{left}" y="{top}" width="{CELL_W - 2}" height="{CELL_H - 2}" rx="3"/>'
    label = "" if value is None else f"{value:.2f}"
    return box + _text(left + CELL_W / 2 - 1, top + CELL_H * 0.65, label, "middle", "on" if shade == "c3" else "")


def step_chart(points: Sequence[tuple[float, float]], label: str) -> str:
    """Share of traffic (0 to 1) on the new fleet over seconds, as steps."""
    width, height = 640, 120
    last = max(points[-1][0], 1.0)
    path, before = [], 0.0
    for seconds, share in points:
        x = LEFT / 3 + (width - LEFT / 3 - 20) * seconds / last
        path += [f"{x:.1f},{_y(before, height)}", f"{x:.1f},{_y(share, height)}"]
        before = share
    axis = [_text(LEFT / 3 - 6, _y(share, height) + 4, f"{share:.0%}", "end") for share in (0.0, 0.5, 1.0)]
    time = _text(width - 20, height - 2, f"{last:.0f} s", "end")
    return _svg(width, height, [*axis, f'<polyline class="line" points="{" ".join(path)}"/>', time], label)


def _y(share: float, height: float) -> float:
    return round(14 + (height - 40) * (1 - share), 1)


def line_chart(series: Mapping[str, Sequence[float | None]], columns: Sequence[str], label: str) -> str:
    """Lines over months; each series keeps its order and class, and a missing value breaks the line."""
    width, height = LEFT / 2 + CELL_W * len(columns), 200
    known = [value for line in series.values() for value in line if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    span = (high - low) or 1.0
    parts = [_text(LEFT / 2 + CELL_W * (x + 0.5), height - 4, name, "middle") for x, name in enumerate(columns)]
    for number, (name, line) in enumerate(series.items()):
        points = [
            (LEFT / 2 + CELL_W * (x + 0.5), 20 + (height - 60) * (1 - (value - low) / span))
            for x, value in enumerate(line)
            if value is not None
        ]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line s{number}" points="{drawn}"/>')
        if points:
            parts.append(_text(points[-1][0] + 6, points[-1][1] + 4, name, "start", f"t{number}"))
    parts += [_text(LEFT / 2 - 4, 24, f"{high:.3f}", "end"), _text(LEFT / 2 - 4, height - 36, f"{low:.3f}", "end")]
    return _svg(width + 90, height, parts, label)


def _text(x: float, y: float, text: str, anchor: str, css: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" aria-label="{escape(label)}">'
    return head + "".join(parts) + "</svg>"
