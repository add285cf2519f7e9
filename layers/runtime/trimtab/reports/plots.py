"""Curves and intervals as inline SVG, for the report on a candidate. Colours are CSS classes of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

SIDE = 300
EDGE = 34
WIDTH = 720
LABEL_WIDTH = 220
ROW = 22
Point = tuple[float, float]


@dataclass(frozen=True)
class Whisker:
    """A value with its interval, one row of a chart."""

    label: str
    value: float
    lo: float
    hi: float
    style: str = "bar"


def square_chart(title: str, across: str, up: str, points: Sequence[Point], *, diagonal: bool, dots: bool) -> Markup:
    """Points of the unit square, joined by a line, with ``across`` and ``up`` as names of the axes."""
    drawn = [_frame(across, up)]
    if diagonal:
        drawn.append(_line("limit", [(0.0, 0.0), (1.0, 1.0)]))
    drawn.append(_line("curve", points))
    if dots:
        drawn.extend(_dot(point) for point in points)
    return _svg(title, SIDE + 2 * EDGE, SIDE + 2 * EDGE, drawn, "plot")


def _frame(across: str, up: str) -> Markup:
    end = EDGE + SIDE
    return Markup(
        '<rect class="frame" x="{0}" y="{0}" width="{1}" height="{1}"/>'
        '<text x="{2}" y="{3}" text-anchor="middle">{4}</text>'
        '<text x="{0}" y="{5}">{6}</text><text x="{0}" y="{7}">0</text><text x="{8}" y="{7}" text-anchor="end">1</text>'
    ).format(EDGE, SIDE, EDGE + SIDE // 2, end + 28, across, EDGE - 10, f"{up} (0 to 1)", end + 14, end)


def _place(point: Point) -> str:
    x, y = (min(max(value, 0.0), 1.0) for value in point)
    return f"{EDGE + SIDE * x:.1f},{EDGE + SIDE * (1 - y):.1f}"


def _line(style: str, points: Sequence[Point]) -> Markup:
    return Markup('<polyline class="{}" points="{}"/>').format(style, " ".join(map(_place, points)))


def _dot(point: Point) -> Markup:
    x, y = _place(point).split(",")
    return Markup('<circle class="bar" cx="{}" cy="{}" r="3.5"/>').format(x, y)


def whisker_chart(title: str, rows: Sequence[Whisker], line: float | None = None) -> Markup:
    """One row for each value: its interval as a line, the value as a dot, ``line`` as a dashed one across."""
    ends = [end for row in rows for end in (row.lo, row.hi, row.value)] + ([line] if line is not None else [])
    low, high = min(ends), max(ends)
    pad = (high - low) * 0.05 or 0.5
    low, high = low - pad, high + pad
    scale = (WIDTH - LABEL_WIDTH - 20) / (high - low)
    height = ROW * len(rows) + 8
    drawn = [_whisker(row, 4 + ROW * place, low, scale) for place, row in enumerate(rows)]
    if line is not None:
        x = f"{LABEL_WIDTH + (line - low) * scale:.1f}"
        drawn.append(Markup('<line class="limit" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(x, height))
    return _svg(title, WIDTH, height, drawn, "")


def _whisker(row: Whisker, top: float, low: float, scale: float) -> Markup:
    left, right, middle = (f"{LABEL_WIDTH + (end - low) * scale:.1f}" for end in (row.lo, row.hi, row.value))
    return Markup(
        '<text class="label" x="{0}" y="{1}" text-anchor="end">{2}</text>'
        '<line class="{3} span" x1="{4}" x2="{5}" y1="{6}" y2="{6}"/>'
        '<circle class="{3}" cx="{7}" cy="{6}" r="4"><title>{2}: {8}</title></circle>'
    ).format(
        LABEL_WIDTH - 8,
        f"{top + 15:g}",
        row.label if len(row.label) <= 30 else row.label[:29] + "…",
        row.style,
        left,
        right,
        f"{top + 10:g}",
        middle,
        f"{row.value:.4g} [{row.lo:.4g}, {row.hi:.4g}]",
    )


def _svg(title: str, width: float, height: float, parts: Sequence[Markup], style: str) -> Markup:
    head = Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(style, width, height, title)
    return head + Markup("").join(parts) + Markup("</svg>")
