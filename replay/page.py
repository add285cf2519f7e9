"""The replay's figures as a section of docs/monitoring-replays.md, between marks of its own."""

import os
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from replay.happenings import Replayed
from replay.player import FIRST, Played
from replay.reckoning import Reckoning, Ringing
from trimtab.spec import Spec

PAGE = Path(__file__).resolve().parents[1] / "docs" / "monitoring-replays.md"
DECIMALS = {"auc": 4}


def section(replayed: Replayed, spec: Spec, played: Played, found: Reckoning, on: date) -> str:
    """Markdown: how it was played, and four tables."""
    rule = spec.monitoring.quality
    fell = ", ".join(sorted(each.period for each in found.worths if each.window in found.fell)) or "none"
    return "\n\n".join(
        [
            f"Played on {on}: {len(played.asked)} deliveries, {sum(rows for _, rows in played.asked.values()):,} rows "
            f"in {played.requests:,} requests, {played.failed} failed. {replayed.about}.",
            "What model.yaml says otherwise here: " + "; ".join(replayed.changed) + ".",
            f"Windows in which {rule.metric} was worse by more than {rule.max_drop:g} than at the evaluation of the "
            f"version that answered: {fell}.",
            _alarms(found),
            _besides(found),
            _retrained(found),
            *_trainings(found),
            _periods(rule.metric, found),
            _bought(rule.metric, found),
            _told(found),
            _seconds(played),
        ]
    )


def write(name: str, text: str, page: Path = PAGE) -> None:
    """The section of the set stands between its marks. Raises ValueError when the page has none."""
    begin, end = f"<!-- replay: {name} -->\n", f"<!-- end: {name} -->"
    before, mark, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError(f"{page} has no place for {name}: {begin.strip()} and {end}")
    page.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")


def _alarms(found: Reckoning) -> str:
    rows = [
        [
            each.kind,
            str(each.looks),
            str(each.rang),
            f"{len(each.found)} of {len(found.fell)}",
            str(each.false),
            _delay(each),
        ]
        for each in found.ringing
        if each.looks
    ]
    heads = ["alarm", "looks", "rang at", "fallen windows found", "false", "days after the last request; windows later"]
    return _table(heads, rows)


def _delay(ringing: Ringing) -> str:
    if not ringing.days:
        return ""
    return f"{_range(ringing.days)}; {_range(ringing.windows)}"


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _besides(found: Reckoning) -> str:
    """Every alarm, whatever it is about."""
    said = [f"{name} {count}" for name, count in sorted(found.went_off.items())]
    return "To ALARM went: " + (", ".join(said) or "none") + " (times; the pages tell people)."


def _retrained(found: Reckoning) -> str:
    each = found.retrained
    promoted = f" (versions {', '.join(map(str, each.promoted))})" if each.promoted else ""
    return (
        f"Retrains: {len(each.trainings)} started, {len(each.promoted)} promoted{promoted}, {each.refused} refused, "
        f"{each.failed} failed, {each.rolled_back} rolled back. Requests besides: {each.suppressed} suppressed, "
        f"{each.deferred} kept for later, {each.told} only told; gave up {each.given_up} times."
    )


def _trainings(found: Reckoning) -> list[str]:
    """A table of the retrainings, where there were any."""
    rows = [[str(each.day), each.why, each.outcome, each.against] for each in found.retrained.trainings]
    return [_table(["started", "because", "ended", "against the champion"], rows)] if rows else []


def _periods(metric: str, found: Reckoning) -> str:
    rows = [
        [
            each.period,
            str(each.version),
            f"{each.rows:,}",
            _number(metric, each.served),
            _number(metric, each.first),
            _number(metric, each.gained(metric), signed=True),
        ]
        for each in found.worths
    ]
    return _table(["asked in", "version", "rows with truth", f"{metric} served", "version 1's", "better by"], rows)


def _bought(metric: str, found: Reckoning) -> str:
    """Each promoted version beside the first, over all the rows that it answered."""
    lines = []
    for version in sorted({each.version for each in found.worths} - {1}):
        mine = [each for each in found.worths if each.version == version]
        rows = sum(each.rows for each in mine)
        mean = sum(each.gained(metric) * each.rows for each in mine) / rows
        lines.append(
            f"Version {version} answered {len(mine)} deliveries and was better than version 1 by "
            f"{_number(metric, mean, signed=True)} {metric}, weighted by rows."
        )
    return " ".join(lines) or "Version 1 answered everything."


def _told(found: Reckoning) -> str:
    said = [f"{count} × {what}" for what, count in sorted(found.notices.items(), key=lambda pair: -pair[1])]
    return f"Notifications: {sum(found.notices.values())} ({'; '.join(said)})."


def _seconds(played: Played) -> str:
    """Of the wall clock, from the first request to the last look, and how busy the machine was at the end."""
    spent = {what: seconds for what, seconds in played.spent.items() if what != FIRST}
    parts = ", ".join(f"{what} {seconds:.0f}" for what, seconds in sorted(spent.items()))
    return (
        f"Seconds: {sum(spent.values()):.0f} ({parts}), after {played.spent.get(FIRST, 0):.0f} for the first version "
        f"and without the deployment; {os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}."
    )


def _number(metric: str, value: float, *, signed: bool = False) -> str:
    places = DECIMALS.get(metric, 1)
    return f"{value:+.{places}f}" if signed else f"{value:.{places}f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
