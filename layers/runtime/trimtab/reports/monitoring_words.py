"""What monitoring has found, in sentences: what moved, by how much, since when, what was done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trimtab.monitoring.alarms import Rang, reading_of
from trimtab.reports.figures import figure
from trimtab.reports.monitoring_seen import Act, Cell, Seen, WindowSeen

_NAMED: Final = 8
"""Columns and findings of one kind that are told one by one."""
RUNBOOKS: Final = {
    "broken": "schema",
    "contract": "schema",
    "unreadable": "schema",
    "moved": "drift-and-quality",
    "scores": "drift-and-quality",
    "by importance": "drift-and-quality",
    "performance": "drift-and-quality",
    "change": "change-and-forecast",
    "trend": "change-and-forecast",
    "its last": "performance",
    "slice": "performance",
    "bias": "performance",
}
"""What a person reads about each thing that is bad."""
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """One sentence, under the word that it answers to."""

    about: str
    text: str
    bad: bool = False


def headline(seen: Seen) -> str:
    """The newest verdict in one sentence."""
    window = seen.newest
    if window is None:
        return "no window was measured yet"
    if not window.drift.get("judged"):
        return f"the window of {_span(window)} was not judged: {window.drift.get('reason') or 'no reason is recorded'}"
    broken, moved = len(window.broken), len(window.drifted)
    found = [f"{broken} broken"] * bool(broken) + [f"{moved} moved"] * bool(moved)
    many = len(window.drift.get("columns", {}))
    return f"{_span(window)}: of {many} columns {', '.join(found) or 'none moved beyond its limit and chance'}"


def sentences(seen: Seen) -> list[Said]:
    """Everything that is known of the newest window and of what serves, what matters most first."""
    window = seen.newest
    if window is None:
        return []
    found = [
        *_breaks(window),
        *_moved(seen, window),
        *_readings(window),
        *_data_quality(window),
        *_change(seen.look),
        *_performance(seen),
        *_estimate(seen),
        *_slices(seen),
        *_bias(seen),
    ]
    return [*found, *_done(seen.acts), *_to_do(seen.model, found)]


def column_said(seen: Seen, window: WindowSeen, name: str) -> str:
    """How far a column moved, how sure that is, its limit, its importance, and since when."""
    cell = window.cell(name)
    said = [f"{name}: {effect(cell)}"]
    weight = (window.drift.get("importance") or {}).get(name)
    said += [f"importance {weight:.1%}"] if weight is not None else []
    first = seen.since(name)
    if first is not None:
        said.append(f"since {_label(seen, first)}")
    return ", ".join(said)


def _label(seen: Seen, drift: Json) -> str:
    """As the window is called where it is shown, which may know its event time from its truth."""
    shown = (window for window in seen.windows if window.id == drift["window"]["id"])
    return next(shown, WindowSeen(drift)).label


def effect(cell: Cell) -> str:
    """The statistic that counts with its limit, and the PSI with its error."""
    psi = "PSI not measured" if cell.psi is None else f"PSI {cell.psi:.3f}"
    psi += f" ± {cell.error:.3f}" if cell.error is not None else ""
    if cell.statistic != "psi" and cell.effect is not None:
        psi = f"{cell.statistic} {cell.effect:.3f}, {psi}"
    return psi + (f", limit {figure(cell.limit)}" if cell.limit is not None else "")


def _span(window: WindowSeen) -> str:
    start, end = window.period
    until = "" if end.date() == start.date() else f" to {end:%Y-%m-%d}"
    return f"{start:%Y-%m-%d}{until}, {figure(window.drift['window']['rows'])} records of version {window.version}"


def _breaks(window: WindowSeen) -> Iterator[Said]:
    for found in window.drift.get("schema_breaks", [])[:_NAMED]:
        yield Said("broken", f"{found['message']} ({', '.join(found['columns'])})", True)


def _moved(seen: Seen, window: WindowSeen) -> Iterator[Said]:
    for name in window.drifted[:_NAMED]:
        yield Said("moved", column_said(seen, window, name), True)
    if len(window.drifted) > _NAMED:
        yield Said("moved", f"and {len(window.drifted) - _NAMED} more columns", True)


def _readings(window: WindowSeen) -> Iterator[Said]:
    drift, report = window.drift, window.report or {}
    scores = drift.get("prediction_value", drift.get("prediction_psi"))
    if scores is not None:
        limit = report.get("prediction_psi_limit")
        said = f"PSI {scores:.3f}{_plus_minus(drift.get('prediction_error'))}{_limit(limit)}"
        yield Said("scores", said, limit is not None and (drift.get("prediction_psi") or 0.0) > limit)
    if drift.get("weighted_psi") is not None:
        said = f"mean PSI {drift['weighted_psi']:.3f}{_plus_minus(drift.get('weighted_error'))}"
        limit = report.get("psi_limit")
        bad = limit is not None and (drift.get("weighted_reading") or 0.0) > limit
        yield Said("by importance", said + _limit(limit), bad)
    if drift.get("reference"):
        why = f" ({drift['reference_reason']})" if drift.get("reference_reason") else ""
        yield Said("held against", f"{drift['reference']}{why}")


def _plus_minus(error: float | None) -> str:
    return "" if error is None else f" ± {error:.3f}"


def _limit(limit: float | None) -> str:
    return "" if limit is None else f", limit {figure(limit)}"


def _data_quality(window: WindowSeen) -> Iterator[Said]:
    for column, rules in list((window.drift.get("quality") or {}).items())[:_NAMED]:
        broken = ", ".join(f"{rule} in {share:.1%} of the rows" for rule, share in rules.items())
        yield Said("contract", f"{column} breaks {broken}", True)
    if window.drift.get("unreadable"):
        yield Said("unreadable", f"{window.drift['unreadable']:.2%} of the captured requests", True)


def _change(look: Json | None) -> Iterator[Said]:
    looks = (look or {}).get("looks", [])
    detected = [found for found in looks if found["detected"]]
    foretold = [found for found in looks if found.get("expected") and found["outcome"] != "crossed"]
    for found in sorted(detected, key=lambda it: -it["evidence"])[:_NAMED]:
        yield Said("change", f"{found['measure']}: {found['change']}", bool(found["rings"]))
    for found in sorted(foretold, key=lambda it: str(it["expected"]))[:_NAMED]:
        yield Said("trend", f"{found['measure']}: {found['forecast']}", bool(found["rings"]))
    if looks and not detected and not foretold:
        yield Said("change", f"none, and no trend, in {len(looks)} measures")


def rang_said(each: Rang) -> str:
    """How long an alarm rang, and its reading where CloudWatch gave one."""
    value = reading_of(each.reason)
    until = f"until {each.end:%Y-%m-%d %H:%M}" if each.end else "rings still"
    return f"{until}{'' if value is None else f', at {figure(value)}'}"


def last_judged(seen: Seen) -> WindowSeen | None:
    """The newest window whose performance is known; None before truth came."""
    return next((each for each in reversed(seen.windows) if each.quality and each.quality.get("judged")), None)


def _performance(seen: Seen) -> Iterator[Said]:
    window, name = last_judged(seen), seen.metric
    if window is None or window.quality is None or name is None:
        yield Said("performance", "not known yet: too little truth has come")
        return
    found = window.quality
    said = (
        f"{name} {figure(found['metrics'].get(name))}{interval(found.get('interval'))} in the window of {window.label}"
    )
    drop = found.get("drop")
    if drop is not None:
        sure = "" if "reading" not in found else ", beyond chance" if (found["reading"] or 0) > 0 else ", may be chance"
        much = f"{abs(drop):.1%}" if found.get("drop_in") == "share" else f"{abs(drop):.4f}"
        said += f", {much} {'worse' if drop > 0 else 'better'} than at evaluation"
        said += sure if drop > 0 else ""
    yield Said("performance", said, (found.get("reading", drop) or 0.0) > 0)
    yield Said("truth", f"{figure(found['n'])} labels, {found['coverage']:.1%} of the window's records")


def interval(ends: Any) -> str:
    """An interval in brackets; nothing where it is not known."""
    if not ends or None in ends:
        return ""
    return f" [{figure(float(ends[0]))}, {figure(float(ends[1]))}]"


def _estimate(seen: Seen) -> Iterator[Said]:
    window = seen.newest
    found = window.estimate if window else None
    if found is not None and found.get("estimate") is not None:
        yield Said(
            "estimate", f"{found['metric']} {figure(found['estimate'])}{interval(found['interval'])} without truth"
        )
    record = (found or {}).get("track_record") or {}
    if record.get("windows"):
        said = f"of {record['windows']} earlier estimates {record['within']} held the truth in their interval"
        missed = record.get("mean_missed_by")
        yield Said("its record", said + (f"; mean miss {figure(missed)}" if missed is not None else ""))
    judged = last_judged(seen)
    later = ((judged.quality or {}).get("estimate") or {}).get("later") if judged else None
    if judged and later:
        held = "within its interval" if later["within"] else "outside its interval"
        yield Said("its last", f"truth of {judged.label} was {figure(later['value'])}, {held}", not later["within"])


def _slices(seen: Seen) -> Iterator[Said]:
    window = last_judged(seen)
    for name in ((window.quality or {}).get("slices_fallen") or [])[:_NAMED] if window else []:
        yield Said("slice", f"{name} fell further than the whole", True)


def _bias(seen: Seen) -> Iterator[Said]:
    window = seen.newest
    for found in ((window.estimate or {}).get("bias") or [])[:_NAMED] if window else []:
        groups = f"{found['attribute']}={found['group']} against {found['reference']}"
        value = f"{found['measure']} {found['value']:.3f}{interval([found['low'], found['high']])}"
        accepted = ", accepted in model.yaml" if found["accepted"] else ""
        yield Said("bias", f"{groups}: {value}, limit {found['limit']:g}{accepted}", not found["accepted"])


def _done(acts: Any) -> Iterator[Said]:
    recent: list[Act] = list(acts)[-3:]
    for act in reversed(recent):
        yield Said("done", f"{act.at:%Y-%m-%d %H:%M} {act.lane}: {act.words}. {act.summary}"[:300])


def _to_do(model: str, found: Sequence[Said]) -> Iterator[Said]:
    """What to read about what is bad, the worst first, and the command that says why it is trained again or not."""
    pages = dict.fromkeys(RUNBOOKS[said.about] for said in found if said.bad)
    if pages:
        read = ", ".join(f"docs/runbooks/{page}.md" for page in pages)
        yield Said("to do", f"read {read}; why it is trained again or not: trimtab retraining status {model}")
