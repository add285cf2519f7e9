"""Step 8: a table of all that happened, and a page to keep."""

from collections.abc import Sequence
from html import escape
from typing import Any

from cli.history import table as history_table
from cli.history import wide_console
from demo import charts
from demo.months import Month
from demo.rollouts import Rollout
from demo.scene import DemoError
from demo.story import Story
from trimtab.ledger import verify_chain
from trimtab.ledger.kinds import CANDIDATE_JUDGED, CANDIDATE_REGISTERED, PROMOTION_CLOSED
from trimtab.ports import Entry

STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2rem auto;padding:0 1rem}
svg text{font:12px system-ui,sans-serif;fill:currentColor}
svg text.on{fill:#fff}
.none{fill:none;stroke:#8884}.c0{fill:#8882}.c1{fill:#f4c95d88}.c2{fill:#e07a3fcc}.c3{fill:#b3261e}
.line{fill:none;stroke:#2f6fde;stroke-width:2.5}.s1{stroke:#e07a3f}.s2{stroke:#3a9d5d}
table{border-collapse:collapse;margin:.5rem 0;width:100%}
th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
@media print{body{margin:0}}
"""


def tell(story: Story) -> None:
    """The ledger is printed, its chain is checked, and the page is written."""
    entries = story.scene.entries()
    wide_console().print(history_table(entries))
    broken = verify_chain(entries)
    story.scene.say(f"{len(entries)} ledger entries; hash chain: {broken or 'whole'}")
    path = story.scene.state_dir / "report.html"
    path.write_text(page(story.months.seen, story.rollouts, entries), encoding="utf-8")
    story.scene.say(f"[bold]report: {path.resolve()}[/bold] ({path.stat().st_size / 1024:.0f} KB)")
    if broken:
        raise DemoError(f"the ledger's hash chain is broken: {broken}")


def page(months: Sequence[Month], rollouts: Sequence[Rollout], entries: Sequence[Entry]) -> str:
    """A self-contained page: drift, performance, rollouts, versions and the ledger."""
    sections = [
        ("Drift by column and month (PSI)", _drift(months)),
        ("Performance on truth", _performance(months)),
        ("Rollouts: share of traffic on the new fleet", "".join(map(_rollout, rollouts))),
        ("Versions compared", _versions(entries)),
        ("Candidates and their gates", _candidates(entries)),
        ("The ledger", _ledger(entries)),
    ]
    body = "".join(f"<h2>{escape(title)}</h2>{content}" for title, content in sections)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Trimtab demo: flights</title>"
        f"<style>{STYLE}</style><h1>Flights of 2013, month by month</h1>{body}</html>"
    )


def _drift(months: Sequence[Month]) -> str:
    names = [f"{month.number:02d}" for month in months]
    values: dict[tuple[str, str], float | None] = {}
    for month in months:
        values |= {(column, f"{month.number:02d}"): psi for column, psi in month.window["columns"].items()}
    rows = sorted({column for column, _ in values}, key=lambda column: -max(_known(values, column)))
    cells = [[row, *(_number(values.get((row, name))) for name in names)] for row in rows]
    return charts.heat_map(rows, names, values) + _table(["column", *names], cells)


def _known(values: dict[tuple[str, str], float | None], column: str) -> list[float]:
    return [value for (name, _), value in values.items() if name == column and value is not None]


def _performance(months: Sequence[Month]) -> str:
    names = [f"{month.number:02d}" for month in months]
    auc = [_auc(month) for month in months]
    rows = [
        [
            month.name,
            f"v{month.version}",
            str(month.rows),
            str(month.quality.get("n", "")),
            _number(_auc(month)),
            _number(month.quality.get("rate")),
            ", ".join(month.alarms),
        ]
        for month in months
    ]
    chart = charts.line_chart({"auc": auc}, names, "AUC by month")
    return chart + _table(["month", "version", "flights", "with truth", "AUC", "late", "alarms ringing after it"], rows)


def _auc(month: Month) -> float | None:
    found: float | None = month.quality.get("metrics", {}).get("auc")
    return found


def _rollout(rollout: Rollout) -> str:
    title = f"version {rollout.version}: {rollout.outcome}"
    traffic = f"{rollout.sent} requests, {rollout.failed} failed" if rollout.sent else "no load was running"
    return f"<h3>{escape(title)}</h3><p>{traffic}</p>" + charts.step_chart(rollout.shares, title)


def _versions(entries: Sequence[Entry]) -> str:
    """Each registered version on its own hold-out, and how it stood against the champion of its day."""
    judged = {entry.subject: entry.data["gates"] for entry in entries if entry.kind == CANDIDATE_JUDGED}
    outcomes = {e.data["version"]: e.data["outcome"] for e in entries if e.kind == PROMOTION_CLOSED}
    rows = []
    for entry in entries:
        if entry.kind == CANDIDATE_REGISTERED:
            version, metrics = entry.data["version"], entry.data["metrics"]
            duel = next((gate["message"] for gate in judged[entry.subject] if gate["name"] == "champion"), "")
            measured = [_number(metrics.get(name)) for name in ("auc", "average_precision", "log_loss", "brier")]
            rows.append([f"v{version}", *measured, duel, outcomes.get(version, "not approved")])
    return _table(["version", "AUC", "AP", "log loss", "Brier", "against the champion", "promotion"], rows)


def _candidates(entries: Sequence[Entry]) -> str:
    rows = []
    for entry in entries:
        if entry.kind == CANDIDATE_JUDGED:
            rows += [[entry.subject, *_gate(gate)] for gate in entry.data.get("gates", [])]
    return _table(["run", "gate", "outcome", "value", "interval", "limit", "n", "in words"], rows)


def _gate(gate: dict[str, Any]) -> list[str]:
    interval = gate.get("interval")
    shown = f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
    count = "" if gate.get("n") is None else str(gate["n"])
    return [
        gate["name"], gate["outcome"], _number(gate.get("value")), shown, _number(gate.get("limit")), count,
        gate["message"],
    ]  # fmt: skip


def _ledger(entries: Sequence[Entry]) -> str:
    rows = [
        [str(e.seq), f"{e.at:%Y-%m-%d %H:%M:%S}", e.kind, e.subject, str(e.data.get("summary", ""))] for e in entries
    ]
    return _table(["#", "when", "what", "about", "summary"], rows)


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"
