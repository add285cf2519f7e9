"""Every captured record is counted exactly once, whatever comes late, twice, or after a crash."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import NOON, MemoryObjects
from tests.unit.functions.scene import Scene, function
from tests.unit.monitoring.captured import capture_uri, request_line
from trimtab.monitoring.records import EVENT, VERSION
from trimtab.monitoring.tables import read_records
from trimtab.monitoring.windows import Served, with_versions
from trimtab.telemetry import Metric


def capture(scene: Scene, name: str, events: dict[str, int], *, at: Any = None, version: int | None = 1) -> str:
    """A capture file with an event of the given number of records for each name."""
    at = at or scene.now
    lines = []
    for event, rows in events.items():
        records = [{"row": number, "x": 0.5, "kind": "a"} for number in range(rows)]
        lines.append(request_line(event, at, records, [0.5] * rows, version))
    uri = capture_uri(at, name)
    scene.objects.write(uri, b"".join(lines))
    return uri


def collect(scene: Scene, execution: str = "") -> dict[str, Any]:
    module = function("collect_window")
    event = module.handler._model.model_validate(scene.event(execution))
    return dict(module.handler.call(event, scene.runtime))


def counted(scene: Scene) -> list[str]:
    """Event ids of all windows that were collected, with repetition."""
    uris = [entry.data["uri"] for entry in scene.ledger.entries("window.collected")]
    return [event for uri in uris for event in read_records(scene.objects, uri, [EVENT]).column(EVENT).to_pylist()]


def test_without_new_traffic_there_is_no_window() -> None:
    scene = Scene()
    assert collect(scene) == {"outcome": "NoData", "window": None, "turn": 1, "windows": 0, "more": False}
    capture(scene, "a", {"e1": 2})
    assert collect(scene)["outcome"] == "Collected"
    scene.later(hours=1)
    assert collect(scene)["outcome"] == "NoData"


def test_a_window_says_what_it_holds() -> None:
    scene = Scene()
    capture(scene, "a", {"e1": 2})
    capture(scene, "b", {"e2": 3}, at=scene.now + timedelta(minutes=5))
    scene.later(hours=1)
    window = collect(scene)["window"]
    assert window["rows"] == 5
    assert window["id"] == "20260101T130000Z"
    assert (window["start"], window["end"]) == ("2026-01-01T12:00:00Z", "2026-01-01T12:05:00Z")


def test_windows_that_end_within_the_same_second_have_files_of_their_own() -> None:
    scene = Scene()
    scene.later(hours=1)
    capture(scene, "a", {"e1": 2}, at=scene.now)
    scene.now += timedelta(milliseconds=200)
    first = collect(scene)["window"]
    capture(scene, "b", {"e2": 3}, at=scene.now + timedelta(milliseconds=100))
    scene.now += timedelta(milliseconds=500)
    second = collect(scene)["window"]
    assert (first["rows"], second["rows"]) == (2, 3)
    assert Counter(counted(scene)) == {"e1": 2, "e2": 3}


def test_a_late_file_of_an_earlier_hour_is_still_found() -> None:
    scene = Scene()
    capture(scene, "a", {"e1": 1})
    collect(scene)
    scene.later(hours=1)
    capture(scene, "late", {"e0": 1}, at=NOON - timedelta(hours=23))
    assert collect(scene)["window"]["rows"] == 1
    assert sorted(counted(scene)) == ["e0", "e1"]


def test_the_same_file_under_two_names_counts_once() -> None:
    scene = Scene()
    capture(scene, "a", {"e1": 3})
    capture(scene, "b", {"e1": 3})
    assert collect(scene)["window"]["rows"] == 3
    scene.later(hours=1)
    capture(scene, "c", {"e1": 3, "e2": 1})
    assert collect(scene)["window"]["rows"] == 1


def test_a_retry_of_the_same_run_gives_the_same_window() -> None:
    scene = Scene()
    capture(scene, "a", {"e1": 3})
    first = collect(scene)
    capture(scene, "b", {"e2": 1})
    assert collect(scene) == first
    assert counted(scene) == ["e1"] * 3


class Interrupted(Exception):
    """The function died."""


class FailingObjects(MemoryObjects):
    """A store that dies at the n-th write."""

    def __init__(self, survives: int) -> None:
        super().__init__()
        self.left = survives
        self.armed = False

    def write(self, uri: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        if self.armed:
            if self.left == 0:
                self.armed = False
                raise Interrupted
            self.left -= 1
        super().write(uri, body, content_type)


@pytest.mark.parametrize("survives", [0, 1])
def test_a_run_that_died_half_way_is_repeated_without_loss_or_double_count(survives: int) -> None:
    objects = FailingObjects(survives)
    scene = Scene(objects=objects)
    capture(scene, "a", {"e1": 2, "e2": 1})
    objects.armed = True
    with pytest.raises(Interrupted):
        collect(scene, "run")
    capture(scene, "b", {"e3": 1})
    collect(scene, "run")
    assert sorted(counted(scene)) == ["e1", "e1", "e2", "e3"]


def test_lines_that_cannot_be_read_are_counted_and_not_read_again() -> None:
    scene = Scene()
    scene.objects.write(capture_uri(scene.now, "bad"), b"not json\n")
    assert collect(scene)["outcome"] == "NoData"
    entry = scene.ledger.entries("window.collected")[0]
    assert (entry.data["unreadable"], entry.data["rows"]) == (1, 0)
    scene.later(hours=1)
    capture(scene, "a", {"e1": 1})
    collect(scene)
    assert scene.ledger.entries("window.collected")[-1].data["unreadable"] == 0


def test_two_runs_at_once_do_not_collect_the_same_traffic() -> None:
    scene = Scene()
    capture(scene, "a", {"e1": 1})
    scene.ledger.lease("window", "other", scene.now, 900)
    with pytest.raises(Exception, match="another run is collecting"):
        collect(scene, "mine")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_order_of_files_runs_repeats_and_delays_counts_each_event_once(seed: int) -> None:
    chance = random.Random(seed)
    scene = Scene()
    events = [f"e{number}" for number in range(30)]
    sent: list[str] = []
    for number in range(12):
        scene.later(hours=chance.choice([0, 1]))
        if number % 3 == 2:
            collect(scene)
            continue
        batch = chance.sample(events, chance.randint(1, 4)) + chance.sample(sent, min(len(sent), 1))
        sent += batch
        delay = timedelta(hours=chance.randint(0, 4))
        capture(scene, f"f{number}", dict.fromkeys(batch, 1), at=scene.now - delay)
    scene.later(hours=1)
    collect(scene)
    assert sorted(counted(scene)) == sorted(set(sent))


def test_a_window_belongs_to_the_version_that_answered_most_of_it() -> None:
    scene = Scene()
    capture(scene, "a", {"e1": 5}, version=1)
    capture(scene, "b", {"e2": 9}, version=2)
    assert collect(scene)["window"]["version"] == 2
    assert scene.ledger.entries("window.collected")[0].data["versions"] == {"2": 9, "1": 5}


def test_an_answer_without_a_version_belongs_to_what_served_at_its_time() -> None:
    scene = Scene()
    for version, since in ((1, NOON - timedelta(hours=5)), (2, NOON)):
        data = {"version": version, "live_config": f"config-{version}"}
        scene.ledger.append("rollout.serving", f"p{version}", data, since, "test")
    capture(scene, "a", {"e1": 1}, at=NOON - timedelta(hours=9), version=None)
    capture(scene, "b", {"e2": 2}, at=NOON - timedelta(hours=1), version=None)
    capture(scene, "c", {"e3": 4}, at=NOON, version=None)
    window = collect(scene)["window"]
    assert (window["version"], window["config"]) == (2, "config-2")
    assert scene.ledger.entries("window.collected")[0].data["versions"] == {"2": 4, "1": 2, "0": 1}


def test_a_version_named_in_the_answer_is_not_replaced() -> None:
    scene = Scene()
    capture(scene, "a", {"e1": 1}, version=7)
    collect(scene)
    table = read_records(scene.objects, scene.ledger.entries("window.collected")[0].data["uri"])
    named = with_versions(table, [Served(1, "config-1", NOON - timedelta(days=1))])
    assert pc.unique(named.column(VERSION)).to_pylist() == [7]


def test_the_lease_is_free_after_a_run_and_after_one_that_died() -> None:
    objects = FailingObjects(0)
    scene = Scene(objects=objects)
    capture(scene, "a", {"e1": 1})
    objects.armed = True
    with pytest.raises(Interrupted):
        collect(scene, "died")
    assert scene.ledger.lease_holder("window") is None
    collect(scene, "next")
    assert scene.ledger.lease_holder("window") is None


def test_requests_by_which_trimtab_compares_versions_are_no_traffic() -> None:
    scene = Scene()
    own = request_line("own", scene.now, [{"row": 1, "x": 0.5, "kind": "a"}], [0.5])
    marked = own.replace(b'"eventId": "own"', b'"eventId": "own", "inferenceId": "trimtab-synthetic-7"')
    assert marked != own
    callers = own.replace(b'"eventId": "own"', b'"eventId": "theirs", "inferenceId": "order-7"')
    scene.objects.write(capture_uri(scene.now, "file"), marked + callers)
    assert collect(scene)["outcome"] == "Collected"
    assert counted(scene) == ["theirs"]


@pytest.mark.parametrize(("lines", "events", "share"), [(5, 15, 0.25), (5, 0, 1.0), (4, 0, 0.0), (0, 12, 0.0)])
def test_the_share_of_what_cannot_be_read_is_measured_even_of_a_window_of_nothing_else(
    lines: int, events: int, share: float
) -> None:
    scene = Scene()
    uri = capture(scene, "a", {f"e{number}": 2 for number in range(events)})
    scene.objects.write(uri.replace("a.jsonl", "b.jsonl"), b"not json\n" * lines)
    scene.later(hours=1)
    first = collect(scene)
    assert collect(scene) == first
    found = [value for metric, value, _ in scene.metrics.points if metric is Metric.UNREADABLE]
    assert found == [share, share], "a retry says the same again"
