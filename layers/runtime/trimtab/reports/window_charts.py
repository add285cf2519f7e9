"""Charts over windows as inline SVG: a heat map, values with intervals, and what was done. Colours are the page's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

WIDTH, LEFT, RIGHT = 720, 150, 10
ROW, HEAD = 22, 24
PLOT, TOP = 170, 14
_MOST_FIGURES = 14
"""Windows up to which there is room for a figure in every cell."""


@dataclass(frozen=True)
class Heat:
    """One cell: its figure, its strength from 0 to 1, and the CSS class of its judgement."""

    text: str
    strength: float
    style: str
    title: str


@dataclass(frozen=True)
class Ranged:
    """A value of one window with its interval; None is not known."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Happening:
    """Something that was done: when, in which lane, its sign, its CSS class and its words."""

    at: datetime
    lane: str
    sign: str
    style: str
    title: str


def heat_map(title: str, rows: Sequence[tuple[str, Sequence[Heat]]], labels: Sequence[str]) -> Markup:
    """A row for each name, a cell for each label; empty without labels."""
    if not labels or not rows:
        return Markup("")
    step = (WIDTH - LEFT - RIGHT) / len(labels)
    drawn = [_label(LEFT + step * (place + 0.5), 16, text) for place, text in _thinned(labels)]
    for line, (name, cells) in enumerate(rows):
        top = HEAD + line * ROW
        drawn.append(_name(name, top + 15))
        drawn += [_heat(cell, LEFT + place * step, top, step, len(labels)) for place, cell in enumerate(cells)]
    return _svg(title, HEAD + ROW * len(rows) + 4, drawn)


def _heat(cell: Heat, x: float, top: float, step: float, many: int) -> Markup:
    text = cell.text if many <= _MOST_FIGURES else ""
    return Markup(
        '<rect class="heat {}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" fill-opacity="{:.2f}"><title>{}</title>'
        '</rect><text class="figure" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
    ).format(
        cell.style, x + 1, top + 1, step - 2, ROW - 2, 0.05 + 0.5 * cell.strength, cell.title, x + step / 2,
        top + 15, text,
    )  # fmt: skip


def range_chart(
    title: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[Ranged]]], line: float | None = None
) -> Markup:
    """For each label a dot with its whisker of every series (by CSS class), and a dashed line across at ``line``."""
    known = [end for _, ranged in series for each in ranged for end in _ends(each)]
    if not known:
        return Markup("")
    low, high = min([*known, *_given(line)]), max([*known, *_given(line)])
    pad = (high - low) * 0.08 or 0.5
    scale = _Scale(low - pad, high + pad)
    step = (WIDTH - LEFT - RIGHT) / len(labels)
    drawn = [_tick(scale, value) for value in (low, (low + high) / 2, high)]
    drawn += [_label(LEFT + step * (place + 0.5), TOP + PLOT + 18, text) for place, text in _thinned(labels)]
    if line is not None:
        drawn.append(_across(scale.y(line)))
    for number, (style, ranged) in enumerate(series):
        shift = step * (0.5 + 0.16 * (number - (len(series) - 1) / 2))
        drawn += [_whisker(each, style, LEFT + place * step + shift, scale) for place, each in enumerate(ranged)]
    return _svg(title, TOP + PLOT + 26, drawn)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def y(self, value: float) -> float:
        return TOP + PLOT * (self.high - value) / (self.high - self.low)


def _ends(each: Ranged) -> list[float]:
    return [end for end in (each.value, each.low, each.high) if end is not None]


def _given(line: float | None) -> list[float]:
    return [] if line is None else [line]


def _tick(scale: _Scale, value: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
        '<text class="value" x="{3}" y="{4:.1f}" text-anchor="end">{5:.4g}</text>'
    ).format(LEFT, WIDTH - RIGHT, scale.y(value), LEFT - 8, scale.y(value) + 4, value)


def _across(y: float) -> Markup:
    return Markup('<line class="limit" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(LEFT, WIDTH - RIGHT, y=y)


def _whisker(each: Ranged, style: str, x: float, scale: _Scale) -> Markup:
    if each.value is None:
        return Markup("")
    span, said = Markup(""), f"{each.value:.4g}"
    if each.low is not None and each.high is not None:
        said += f" [{each.low:.4g}, {each.high:.4g}]"
        span = Markup('<line class="span {0}" x1="{1:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{3:.1f}"/>').format(
            style, x, scale.y(each.low), scale.y(each.high)
        )
    dot = '<circle class="{0}" cx="{1:.1f}" cy="{2:.1f}" r="4"><title>{0}: {3}</title></circle>'
    return span + Markup(dot).format(style, x, scale.y(each.value), said)


@dataclass(frozen=True)
class Stretch:
    """A time in a lane, its CSS class and its words; without an end it lasts."""

    lane: str
    start: datetime
    end: datetime | None
    style: str
    title: str


def lanes(title: str, happenings: Sequence[Happening], stretches: Sequence[Stretch] = ()) -> Markup:
    """A lane for each kind of cause over time, with a bar for each stretch and a sign wherever something was done."""
    if not happenings and not stretches:
        return Markup("")
    names = list(dict.fromkeys([*(each.lane for each in stretches), *(each.lane for each in happenings)]))
    times = [*(each.at for each in happenings), *(end for each in stretches for end in (each.start, each.end) if end)]
    start, end = min(times), max(times)
    span = max(end - start, timedelta(minutes=1))
    room, base = WIDTH - LEFT - RIGHT - 20, 6 + ROW * len(names)
    drawn = [_lane(name, 6 + ROW * line) for line, name in enumerate(names)]
    for stretch in stretches:
        ends = [LEFT + 10 + room * ((at - start) / span) for at in (stretch.start, stretch.end or end)]
        drawn.append(_stretch(stretch, ends[0], ends[1], 6 + ROW * names.index(stretch.lane) + 4))
    for each in happenings:
        x = LEFT + 10 + room * ((each.at - start) / span)
        drawn.append(_sign(each, x, 6 + ROW * names.index(each.lane) + 15))
    for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = LEFT + 10 + room * part
        drawn.append(_label(x, base + 16, f"{start + span * part:%Y-%m-%d}", anchor))
    return _svg(title, base + 24, drawn)


def _lane(name: str, top: int) -> Markup:
    line = Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(LEFT, WIDTH - RIGHT, top + 11)
    return line + _name(name, top + 15)


def _stretch(each: Stretch, left: float, right: float, y: int) -> Markup:
    """At least as wide as can be seen."""
    bar = '<rect class="stretch {}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="3"><title>{}</title></rect>'
    return Markup(bar).format(each.style, left, y, max(right - left, 3.0), ROW - 8, each.title)


def _sign(each: Happening, x: float, y: int) -> Markup:
    text = '<g class="{}"><title>{}</title><text x="{:.1f}" y="{}" text-anchor="middle">{}</text></g>'
    return Markup(text).format(each.style, each.title, x, y, each.sign)


def _name(text: str, y: int) -> Markup:
    short = text if len(text) <= 21 else text[:20] + "…"
    return Markup('<text x="{}" y="{}" text-anchor="end"><title>{}</title>{}</text>').format(LEFT - 8, y, text, short)


def _label(x: float, y: int, text: str, anchor: str = "middle") -> Markup:
    return Markup('<text class="value" x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _thinned(labels: Sequence[str]) -> list[tuple[int, str]]:
    """As many labels as have room, the last among them."""
    every = -(-len(labels) // 8)
    return [(place, text) for place, text in enumerate(labels) if (len(labels) - 1 - place) % every == 0]


def _svg(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, f"{height:g}", title)
    return head + Markup("").join(parts) + Markup("</svg>")
