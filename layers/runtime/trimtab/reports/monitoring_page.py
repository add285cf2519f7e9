"""The page of a model in production: what moved, how it performs, and what was done about it."""

from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup

from trimtab.ledger.kinds import (
    RETRAIN_GIVEN_UP,
    RETRAIN_REQUESTED,
    ROLLBACK_DONE,
    ROLLBACK_FAILED,
    ROLLOUT_ROLLED_BACK,
    ROLLOUT_SERVING,
)
from trimtab.monitoring.alarms import Rang
from trimtab.reports.figures import PAGE_BYTES
from trimtab.reports.monitoring_seen import Act, Cell, Seen, WindowSeen
from trimtab.reports.monitoring_words import effect, headline, interval, rang_said, sentences
from trimtab.reports.pages import template
from trimtab.reports.svg import paired_columns
from trimtab.reports.window_charts import Happening, Heat, Ranged, Stretch, heat_map, lanes, range_chart

_COLUMNS, _WINDOWS, _DISTRIBUTIONS, _ACTS = 80, 60, 12, 120
"""How many are shown; of a page that is too long half as many, and so on."""
_SIGNS: Final = {"broken": "✕", "moved": "!", "chance": "?", "within": "", "unknown": ""}
_RINGS: Final = {"settling": "muting"}
"""An alarm that is no bad news: it keeps others from paging."""
_ACT_STYLES: Final = {
    RETRAIN_GIVEN_UP: "fail",
    ROLLOUT_ROLLED_BACK: "fail",
    ROLLBACK_DONE: "fail",
    ROLLBACK_FAILED: "fail",
    ROLLOUT_SERVING: "pass",
    RETRAIN_REQUESTED: "act",
}


def monitoring_page(seen: Seen) -> bytes:
    """One page without a network, under 200 KB, with a table under every chart."""
    pages = (_page(seen, halvings) for halvings in range(7))
    return next((page for page in pages if len(page) < PAGE_BYTES), _page(seen, 7))


def _page(seen: Seen, halvings: int) -> bytes:
    columns, windows, distributions, acts = (
        max(1, most >> halvings) for most in (_COLUMNS, _WINDOWS, _DISTRIBUTIONS, _ACTS)
    )
    shown, names = list(seen.windows)[-windows:], seen.columns[:columns]
    rendered = template("monitoring_page.html").render(
        seen=seen,
        headline=headline(seen),
        verdict=_verdict(seen),
        said=sentences(seen),
        windows=shown,
        heat=_heat_map(names, shown),
        rows=[(name, [window.cell(name) for window in shown]) for name in names],
        columns_left=len(seen.columns) - len(names),
        signs=_SIGNS,
        effect=effect,
        interval=interval,
        ranges=_performance(seen, shown),
        coverage=_coverage(shown),
        distributions=list(_distributions(seen.newest, names, distributions)),
        timeline=_timeline(list(seen.acts)[-acts:], seen.rang[-acts:]),
        rang=list(reversed(seen.rang))[:acts],
        rang_said=rang_said,
        acts=list(reversed(seen.acts))[:acts],
        acts_left=max(len(seen.acts) - acts, 0),
    )
    return rendered.encode()


def _verdict(seen: Seen) -> str:
    """CSS class of the verdict."""
    if seen.newest is None or not seen.newest.drift.get("judged"):
        return "unjudged"
    return "bad" if any(said.bad for said in sentences(seen)) else "good"


def _heat_map(names: Sequence[str], windows: Sequence[WindowSeen]) -> Markup:
    rows = [(name, [_heat(name, window) for window in windows]) for name in names]
    return heat_map("Drift by column and window", rows, [window.label for window in windows])


def _heat(name: str, window: WindowSeen) -> Heat:
    cell = window.cell(name)
    text = "–" if cell.psi is None else f"{cell.psi:.2f}{_SIGNS[cell.state]}"
    title = f"{name}, {window.label}, version {window.version}: {effect(cell)}: {cell.state}"
    return Heat(text, _strength(cell), cell.state, title)


def _strength(cell: Cell) -> float:
    """From 0 to 1: half at the limit; by the PSI alone where no limit is known."""
    share = cell.share if cell.share is not None else (cell.psi or 0.0)
    return 1.0 if cell.state == "broken" else min(share / 2, 1.0)


def _performance(seen: Seen, windows: Sequence[WindowSeen]) -> Markup:
    name = seen.metric
    if name is None:
        return Markup("")
    measured, estimated = ([part(window, name) for window in windows] for part in (_measured, _estimated))
    title = f"{name} by window, with its interval"
    labels = [window.label for window in windows]
    return range_chart(title, labels, [("measured", measured), ("estimated", estimated)], seen.evaluation.get(name))


def _measured(window: WindowSeen, name: str) -> Ranged:
    found = window.quality or {}
    return Ranged((found.get("metrics") or {}).get(name), *(found.get("interval") or (None, None)))


def _estimated(window: WindowSeen, name: str) -> Ranged:
    found = window.estimate or {}
    if found.get("estimate") is None or found.get("metric") != name:
        return Ranged(None)
    return Ranged(found["estimate"], *(found.get("interval") or (None, None)))


def _coverage(windows: Sequence[WindowSeen]) -> Markup:
    shares = [100 * (window.quality or {}).get("coverage", 0.0) for window in windows]
    cells = [Heat(f"{share:.0f} %", share / 100, "coverage", f"{share:.1f} % of the records") for share in shares]
    return heat_map("Share of the records whose truth is known", [("truth known", cells)], [w.label for w in windows])


def _distributions(window: WindowSeen | None, names: Sequence[str], most: int) -> Any:
    """The newest window's scores, then its columns in the page's order: name, words, chart and rows of the table."""
    if window is None or window.report is None:
        return
    scores = window.report.get("prediction")
    if scores:
        yield (
            "scores",
            f"PSI {scores['psi']:.3f}" if scores["psi"] is not None else "",
            *_bins("scores", scores["bins"]),
        )
    for name in [name for name in names if name in window.columns][:most]:
        yield name, effect(window.cell(name)), *_bins(name, window.columns[name]["bins"])


def _bins(name: str, bins: Any) -> tuple[Markup, list[tuple[str, float, float]]]:
    left, right = (_shares(bins[side]) for side in ("reference", "current"))
    chart = paired_columns(f"{name}: shares by bin", bins["labels"], left, right)
    return chart, list(zip(bins["labels"], left, right, strict=True))


def _shares(counts: Sequence[int]) -> list[float]:
    return [count / max(sum(counts), 1) for count in counts]


def _timeline(acts: Sequence[Act], rang: Sequence[Rang]) -> Markup:
    happenings = [
        Happening(act.at, act.lane, act.sign, _ACT_STYLES.get(act.kind, "other"), f"{_when(act)} {act.summary}"[:200])
        for act in acts
    ]
    rings = [Stretch(each.label, each.start, each.end, _RINGS.get(each.label, "rang"), _rang(each)) for each in rang]
    return lanes("When alarms rang, and what was decided and done, by cause", happenings, rings)


def _rang(each: Rang) -> str:
    return f"{each.label} rang from {each.start:%Y-%m-%d %H:%M} {rang_said(each)}"


def _when(act: Act) -> str:
    return f"{act.at:%Y-%m-%d %H:%M} {act.words}:"
