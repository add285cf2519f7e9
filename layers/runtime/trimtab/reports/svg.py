"""Charts as inline SVG. Every text is escaped; colours are CSS classes of the page that holds the chart."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 720
LABEL_WIDTH = 170
VALUE_WIDTH = 70
ROW_HEIGHT = 22


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length (in the chart's unit) and the text at its end."""

    label: str
    value: float
    text: str


def bar_chart(title: str, bars: Sequence[Bar], limit: float | None = None) -> Markup:
    """Horizontal bars, one a row; those over ``limit`` (drawn as a dashed line) have the class ``over``."""
    longest = max([*(bar.value for bar in bars), limit or 0.0, 1e-9])
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    height = ROW_HEIGHT * len(bars) + 8
    drawn = [_bar(bar, 4 + ROW_HEIGHT * row, room * bar.value / longest, limit) for row, bar in enumerate(bars)]
    if limit is not None:
        drawn.append(_limit_line(LABEL_WIDTH + room * limit / longest, height))
    return _svg(title, height, drawn)


def _bar(bar: Bar, top: float, length: float, limit: float | None) -> Markup:
    style = "over" if limit is not None and bar.value > limit else "bar"
    return Markup(
        '<text class="label" x="{0}" y="{1}" text-anchor="end">{2}</text>'
        '<rect class="{3}" x="{4}" y="{5}" width="{6}" height="{7}" rx="2"><title>{2}: {8}</title></rect>'
        '<text class="value" x="{9}" y="{1}">{8}</text>'
    ).format(
        LABEL_WIDTH - 8,
        f"{top + 15:g}",
        _short(bar.label),
        style,
        LABEL_WIDTH,
        f"{top + 3:g}",
        f"{max(length, 1):.1f}",
        ROW_HEIGHT - 6,
        bar.text,
        f"{LABEL_WIDTH + length + 6:.1f}",
    )


def _limit_line(x: float, height: float) -> Markup:
    return Markup('<line class="limit" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(f"{x:.1f}", f"{height:g}")


def paired_columns(title: str, labels: Sequence[str], left: Sequence[float], right: Sequence[float]) -> Markup:
    """Two series of shares as pairs of columns over the same labels: reference (left) and this drop (right)."""
    height, base = 150, 130
    tallest = max([*left, *right, 1e-9])
    step = WIDTH / max(len(labels), 1)
    drawn = []
    for place, (label, reference, current) in enumerate(zip(labels, left, right, strict=True)):
        x = place * step
        drawn.append(_column("reference", label, x + step * 0.12, step * 0.36, base * reference / tallest, reference))
        drawn.append(_column("current", label, x + step * 0.50, step * 0.36, base * current / tallest, current))
    return _svg(title, height, drawn)


def _column(style: str, label: str, x: float, width: float, height: float, share: float) -> Markup:
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}, {}: {}</title></rect>').format(
        style, f"{x:.1f}", f"{140 - height:.1f}", f"{width:.1f}", f"{height:.1f}", label, style, f"{share:.1%}"
    )


def _svg(title: str, height: float, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, f"{height:g}", title)
    return head + Markup("").join(parts) + Markup("</svg>")


def _short(text: str) -> str:
    return text if len(text) <= 24 else text[:23] + "…"
