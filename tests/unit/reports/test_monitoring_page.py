"""The page of a model in production."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from tests.fakes import NOON
from tests.unit.reports.monitored import seen
from trimtab.monitoring.alarms import Turn
from trimtab.reports.monitoring_page import monitoring_page
from trimtab.reports.monitoring_seen import Act, Seen, WindowSeen
from trimtab.reports.window_charts import Heat, Ranged, heat_map, lanes, range_chart


def page(of: Seen | None = None) -> str:
    return monitoring_page(of or seen()).decode()


class Tags(HTMLParser):
    """Every element with its attributes; raises where one is closed that was not opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_has_every_chart_and_a_table_under_each() -> None:
    labels = [attrs["aria-label"] for tag, attrs in Tags(page()).found if tag == "svg"]
    assert labels == [
        "Drift by column and window",
        "auc by window, with its interval",
        "Share of the records whose truth is known",
        "scores: shares by bin",
        "x: shares by bin",
        "kind: shares by bin",
        "When alarms rang, and what was decided and done, by cause",
    ]
    assert page().count("The same as a table") == 5


def test_the_page_asks_no_network() -> None:
    text = page()
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=|url\(|@import", text)


def test_the_cell_of_what_moved_says_so_without_colours() -> None:
    moved = seen().windows[1].cell("x")
    assert f">{moved.psi:.2f}!</text>" in page()
    assert page().count('class="heat moved"') == 1


def test_texts_of_others_are_escaped() -> None:
    text = page()
    assert "retraining asked for: &lt;drift&gt;" in text
    assert "<drift>" not in text


def test_the_verdict_tells_good_from_bad() -> None:
    now = seen()
    assert 'class="card verdict bad"' in page(now)
    calm = replace(now, windows=[replace(now.windows[0], drift={**now.windows[0].drift, "quality": {}})])
    assert 'class="card verdict good"' in page(calm)
    assert 'class="card verdict unjudged"' in page(Seen("tiny", None))


def test_the_timeline_has_a_bar_for_each_time_that_an_alarm_rang() -> None:
    turns = [
        Turn(NOON, "a", "OK", "ALARM", "datapoints [0.4 (x)]"),
        Turn(NOON.replace(hour=18), "a", "ALARM", "OK", ""),
    ]
    text = page(replace(seen(), turns=[*turns, Turn(NOON, "b", "OK", "ALARM", "")]))
    assert text.count('class="stretch rang"') == 2
    assert "a rang from 2026-01-01 12:00 until 2026-01-01 18:00, at 0.4</title>" in text
    assert "b rang from 2026-01-01 12:00 rings still</title>" in text
    assert "When alarms rang, as a table" in text
    assert page().count("stretch rang") == 0


def test_alarms_that_rang_are_shown_though_nothing_was_decided() -> None:
    text = page(Seen("tiny", 1, turns=[Turn(NOON, "b", "OK", "ALARM", "")]))
    assert 'class="stretch rang"' in text
    assert "Nothing was decided" not in text


def test_a_model_with_hundreds_of_columns_and_windows_has_a_short_page() -> None:
    names = {f"column_{number}": 0.1 for number in range(600)}
    drift: dict[str, Any] = {**seen().windows[1].drift, "columns": names, "drifted": list(names)}
    window = WindowSeen(drift, psi_limit=0.25)
    acts = [Act(NOON, "alarm.told", f"kind {number % 7}", "why " * 100) for number in range(500)]
    text = page(Seen("tiny", 1, [window] * 200, acts=acts))
    assert len(text.encode()) < 200_000
    assert "columns that moved less are left out" in text
    assert "earlier ones" in text


def test_a_whisker_stands_between_its_ends() -> None:
    chart = range_chart("t", ["a"], [("measured", [Ranged(0.5, 0.4, 0.6)])])
    (low, high), (dot,) = (
        re.findall(r'y1="([\d.]+)" y2="([\d.]+)"/><circle', chart)[0],
        re.findall(r'cy="(.*?)"', chart),
    )
    assert float(low) > float(dot) > float(high)


def test_charts_of_nothing_are_nothing() -> None:
    assert heat_map("t", [], []) == range_chart("t", ["a"], [("measured", [Ranged(None)])]) == lanes("t", []) == ""


def test_the_stronger_the_drift_the_stronger_its_colour() -> None:
    cells = [Heat("", strength, "within", "") for strength in (0.1, 0.9)]
    weak, strong = re.findall(r'fill-opacity="([\d.]+)"', heat_map("t", [("x", cells)], ["a", "b"]))
    assert float(weak) < float(strong)
