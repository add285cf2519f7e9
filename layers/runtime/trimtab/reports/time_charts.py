"""Lines over time as inline SVG. Colours are CSS classes of the page; every line has a dash or marks of its own too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 26, 26
_LABELS = 5


@dataclass(frozen=True)
class Line:
    """One series; None is a gap. ``stepped`` holds a value until the next point."""

    style: str
    """CSS class: new, old or planned."""
    points: Sequence[tuple[datetime, float | None]]
    stepped: bool = False


@dataclass(frozen=True)
class Mark:
    """Something that happened at a moment: a sign above the chart, and a thin line through it."""

    at: datetime
    sign: str
    style: str
    """CSS class: pass, fail, inconclusive or act."""
    title: str
    anchor: str = "middle"
    """Where the sign stands beside the moment: middle, or end for one that would hide another's sign."""


@dataclass(frozen=True)
class _Frame:
    start: datetime
    end: datetime
    top: float

    def x(self, at: datetime) -> float:
        span = (self.end - self.start).total_seconds()
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - self.start).total_seconds() / span

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top


def time_chart(
    title: str, lines: Sequence[Line], marks: Sequence[Mark] = (), unit: str = "", top: float | None = None
) -> Markup:
    """Values from 0 to ``top`` (else a little above the largest) over time; empty when no line has a point."""
    known = [(at, value) for line in lines for at, value in line.points if value is not None]
    if not known:
        return Markup("")
    moments = [at for at, _ in known] + [mark.at for mark in marks]
    start, end = min(moments), max(max(moments), min(moments) + timedelta(minutes=1))
    frame = _Frame(start, end, top or max(value for _, value in known) * 1.08 or 1.0)
    parts = [_axes(frame, unit), *(_mark(frame, mark) for mark in marks), *(_line(frame, line) for line in lines)]
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, title)
    return head + Markup("").join(parts) + Markup("</svg>")


def _axes(frame: _Frame, unit: str) -> Markup:
    base = HEIGHT - BOTTOM
    drawn = [_height(frame, frame.top * part, unit) for part in (0.0, 0.5, 1.0)]
    for number in range(_LABELS):
        at = frame.start + (frame.end - frame.start) * number / (_LABELS - 1)
        anchor = "start" if number == 0 else "end" if number == _LABELS - 1 else "middle"
        text = '<text class="value" x="{:.1f}" y="{}" text-anchor="{}">{:%H:%M}</text>'
        drawn.append(Markup(text).format(frame.x(at), base + 18, anchor, at))
    return Markup("").join(drawn)


def _height(frame: _Frame, value: float, unit: str) -> Markup:
    return Markup(
        '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
        '<text class="value" x="{3}" y="{4:.1f}" text-anchor="end">{5:.3g}{6}</text>'
    ).format(LEFT, WIDTH - RIGHT, frame.y(value), LEFT - 6, frame.y(value) + 4, value, unit)


def _line(frame: _Frame, line: Line) -> Markup:
    """One path for each stretch without a gap; a lone point is a dot."""
    drawn = []
    for stretch in _stretches(line.points):
        places = _corners(frame, stretch) if line.stepped else [(frame.x(at), frame.y(value)) for at, value in stretch]
        if len(places) == 1:
            drawn.append(Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(line.style, *places[0]))
            continue
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(Markup('<polyline class="line {}" points="{}"/>').format(line.style, joined))
    return Markup("").join(drawn)


def _stretches(points: Sequence[tuple[datetime, float | None]]) -> list[list[tuple[datetime, float]]]:
    found: list[list[tuple[datetime, float]]] = [[]]
    for at, value in points:
        if value is None:
            found.append([])
        else:
            found[-1].append((at, value))
    return [stretch for stretch in found if stretch]


def _corners(frame: _Frame, stretch: Sequence[tuple[datetime, float]]) -> list[tuple[float, float]]:
    places: list[tuple[float, float]] = []
    for at, value in stretch:
        if places:
            places.append((frame.x(at), places[-1][1]))
        places.append((frame.x(at), frame.y(value)))
    return places


def _mark(frame: _Frame, mark: Mark) -> Markup:
    return Markup(
        '<g class="{0}"><title>{1}</title><line class="mark" x1="{2:.1f}" x2="{2:.1f}" y1="{3}" y2="{4}"/>'
        '<text x="{2:.1f}" y="{5}" text-anchor="{7}">{6}</text></g>'
    ).format(mark.style, mark.title, frame.x(mark.at), TOP - 6, HEIGHT - BOTTOM, TOP - 10, mark.sign, mark.anchor)
