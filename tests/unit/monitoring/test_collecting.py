"""Every captured request is counted in one window, about its own time, whatever comes late, twice or after a crash."""

import random
from datetime import datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes import NOON, MemoryObjects
from tests.unit.monitoring.captured import capture_uri, request_line
from tests.unit.monitoring.watching import TINY, Killed, Watch
from trimtab.ledger.kinds import ROLLBACK_DONE, ROLLOUT_SERVING
from trimtab.monitoring.tables import read_records
from trimtab.spec import parse_spec

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def some(prefix: str, time: datetime, count: int = 4) -> dict[str, datetime]:
    return {f"{prefix}{number}": time + timedelta(minutes=number) for number in range(count)}


def ids(watch: Watch) -> list[str]:
    return [window.subject for window in watch.windows]


def test_a_backlog_becomes_one_window_a_day_in_order_in_one_run() -> None:
    watch = Watch()
    watch.capture("today", some("c", NOON + 47 * HOUR))
    watch.capture("first", some("a", NOON - 2 * HOUR))
    watch.capture("second", some("b", NOON + 20 * HOUR))
    watch.scene.later(days=2)
    answers = watch.run()
    assert [answer["window"]["id"] for answer in answers] == [
        "20260101T120000Z",
        "20260102T120000Z",
        "20260103T120000Z",
    ]
    assert [watch.events(window)[0] for window in watch.windows] == ["a0", "b0", "c0"]
    assert [window.data["behind"] for window in watch.windows] == [2, 1, 0]
    assert answers[-1] | {"window": None} == {
        "outcome": "Collected",
        "window": None,
        "turn": 3,
        "windows": 3,
        "more": False,
    }
    assert [answer["window"] for answer in watch.run()] == [answer["window"] for answer in answers]


def test_a_run_leaves_a_backlog_of_many_windows_to_the_next() -> None:
    watch = Watch("{min_rows: 1, schedule: rate(1 hour)}")
    for hour in range(34):
        watch.capture("f", {f"e{hour}": NOON + hour * HOUR})
    watch.scene.later(hours=34)
    first = watch.run()
    assert (len(first), first[-1]["more"]) == (31, False)
    watch.scene.later(hours=1)
    assert len(watch.run()) == 3
    assert set(watch.counted.values()) == {1}


def test_a_file_across_the_end_of_a_window_is_counted_in_both_parts() -> None:
    watch = Watch()
    watch.capture("f", {"before": NOON, "after": NOON + timedelta(minutes=1)}, rows=3)
    assert [answer["window"]["rows"] for answer in watch.run()] == [3]
    watch.scene.later(hours=1)
    assert watch.run()[0]["window"]["rows"] == 3
    assert [set(watch.events(window)) for window in watch.windows] == [{"before"}, {"after"}]


def test_requests_after_the_run_wait_for_the_window_that_they_belong_to() -> None:
    watch = Watch()
    watch.capture("f", some("later", NOON + 2 * HOUR))
    assert watch.run() == [{"outcome": "NoData", "window": None, "turn": 1, "windows": 0, "more": False}]
    watch.scene.later(days=1)
    assert watch.run()[0]["window"]["id"] == "20260102T120000Z"


def test_latecomers_that_can_be_judged_make_a_window_about_their_own_time() -> None:
    watch = Watch()
    watch.capture("f", some("on-time", NOON - 3 * HOUR))
    watch.run()
    watch.capture("late", some("late", NOON - 5 * HOUR))
    watch.capture("next", some("next", NOON + 2 * HOUR))
    watch.scene.later(days=1)
    watch.run()
    late, regular = watch.windows[1:]
    assert late.subject == "20260101T120000Z-late-20260102T120000Z-0"
    assert late.data["late"] == {"files": 1, "rows": 4, "of": True}
    assert late.data["period"]["end"] == NOON.isoformat()
    assert regular.data["late"] == {"files": 0, "rows": 0, "of": False}


def test_a_few_latecomers_are_counted_in_the_next_window_which_says_so() -> None:
    watch = Watch()
    watch.capture("f", some("on-time", NOON - 3 * HOUR))
    watch.run()
    watch.capture("late", some("late", NOON - 5 * HOUR, 2))
    watch.capture("next", some("next", NOON + 2 * HOUR))
    watch.scene.later(days=1)
    (answer,) = watch.run()
    assert answer["window"]["rows"] == 6
    assert watch.windows[-1].data["late"] == {"files": 1, "rows": 2, "of": False}


def test_files_of_the_last_minutes_that_come_after_the_run_are_counted_in_the_next_window() -> None:
    watch = Watch()
    watch.capture("f", some("on-time", NOON - 3 * HOUR))
    watch.run()
    watch.capture("minutes", some("late", NOON - timedelta(minutes=10)))
    watch.capture("next", some("next", NOON + 2 * HOUR))
    watch.scene.later(days=1)
    (answer,) = watch.run()
    assert answer["window"]["id"] == "20260102T120000Z"
    assert watch.windows[-1].data["late"] == {"files": 1, "rows": 4, "of": False}


@pytest.mark.parametrize("days_late", [2, 20, 80])
def test_a_file_that_comes_weeks_late_is_found_within_seven_runs(days_late: int) -> None:
    watch = Watch()
    watch.capture("f", some("on-time", NOON - HOUR))
    watch.run()
    watch.scene.later(days=days_late)
    watch.capture("now", some("now", watch.scene.now))
    watch.run()
    watch.capture("lost", some("lost", NOON - 2 * HOUR))
    for _ in range(7):
        watch.scene.later(days=1)
        watch.run()
    assert watch.counted["lost0"] == 1
    assert set(watch.counted.values()) == {1}


def noting_reads(watch: Watch) -> list[str]:
    """URIs of what is read from now on."""
    reads: list[str] = []

    class Noting(MemoryObjects):
        def read(self, uri: str, version: str | None = None) -> bytes:
            reads.append(uri)
            return super().read(uri, version)

    noting = Noting()
    noting.__dict__ |= watch.scene.objects.__dict__
    watch.scene.objects = noting
    return reads


def test_history_that_was_read_is_not_read_again() -> None:
    watch = Watch()
    for day in range(60):
        watch.capture("f", some(f"d{day}-", NOON - day * DAY))
    watch.run()
    watch.scene.later(days=1)
    assert [answer["outcome"] for answer in watch.run()] != ["NoData"]
    reads = noting_reads(watch)
    for _ in range(7):
        watch.scene.later(days=1)
        watch.run()
    assert [uri for uri in reads if "/capture/" in uri] == []
    assert sum("manifest" in uri for uri in reads) < 21


def test_a_thin_window_is_not_judged_and_says_why() -> None:
    watch = Watch()
    watch.capture("f", some("a", NOON - HOUR, 2))
    watch.run()
    assert watch.windows[0].data["skipped"] == "2 records, fewer than 3: not judged"


def test_a_thin_window_may_become_one_with_the_next() -> None:
    watch = Watch("{min_rows: 3, windows: {thin: carry}}")
    watch.capture("f", some("a", NOON - HOUR, 2))
    assert watch.run()[-1]["outcome"] == "NoData"
    watch.capture("g", some("b", NOON + HOUR, 2))
    watch.scene.later(days=1)
    assert watch.run()[-1]["window"]["rows"] == 4
    assert watch.windows[0].data["period"] == {
        "start": (NOON - DAY).isoformat(),
        "end": (NOON + DAY).isoformat(),
    }


def test_a_window_is_carried_no_longer_than_silence_is_suffered() -> None:
    watch = Watch("{min_rows: 3, windows: {thin: carry}, silence_hours: 48}")
    watch.capture("f", some("a", NOON - HOUR, 1))
    outcomes = []
    for _ in range(3):
        outcomes.append(watch.run()[-1]["outcome"])
        watch.scene.later(days=1)
    assert outcomes == ["NoData", "Collected", "NoData"]


def test_a_challengers_answers_count_and_a_shadows_do_not() -> None:
    watch = Watch()
    for variant in ("main", "challenger", "shadow"):
        watch.capture("f", some(variant, NOON - HOUR), variant=variant)
    watch.run()
    assert {event.rstrip("0123") for event in watch.counted} == {"main", "challenger"}


def test_a_window_says_which_share_of_the_requests_was_captured_and_how_many_there_were() -> None:
    watch = Watch()
    for number, (percent, hours) in enumerate(((50, 5), (10, 2))):
        evidence = {"carried": {"capture_percent": percent}}
        data = {"version": 1, "live_config": f"config-{number}", "evidence": evidence}
        watch.scene.ledger.append("rollout.serving", f"p{number}", data, NOON - hours * HOUR, "test")
    watch.capture("f", some("a", NOON - 4 * HOUR))
    watch.capture("g", some("b", NOON - HOUR))
    watch.run()
    assert watch.windows[0].data["sampling"] == {
        "percent": 10,
        "by_config": {"config-0": 50, "config-1": 10},
        "scored_estimate": 4 * 2 + 4 * 10,
    }


def test_after_a_rollback_answers_without_a_version_are_those_of_what_serves_again() -> None:
    watch = Watch()
    for number, version in ((1, 1), (2, 2)):
        data = {"version": version, "live_config": f"config-{version}"}
        watch.scene.ledger.append(ROLLOUT_SERVING, f"p{number}", data, NOON - (9 - number) * HOUR, "test")
    data = {"from_version": 2, "to_version": 1, "config": "config-1", "evidence": {}}
    watch.scene.ledger.append(ROLLBACK_DONE, "b", data, NOON - 5 * HOUR, "test")
    for name, hours, count in (("second", 6, 5), ("again", 3, 4)):
        lines = [
            request_line(event, time, [{"row": 1, "x": 0.5, "kind": "a"}], [0.5], None)
            for event, time in some(name, NOON - hours * HOUR, count).items()
        ]
        watch.scene.objects.write(capture_uri(NOON - hours * HOUR, name), b"".join(lines))
    watch.run()
    (window,) = watch.windows
    assert window.data["versions"] == {"2": 5, "1": 4}


def test_the_share_in_force_is_that_of_the_newest_reign_also_when_an_earlier_version_was_back_in_between() -> None:
    watch = Watch()
    for number, percent in ((1, 100), (2, 100), (0, 100), (3, 10)):
        data = {"version": number, "live_config": f"config-{number}", "to_version": 1, "config": "config-1"}
        data |= {"evidence": {"carried": {"capture_percent": percent}}}
        kind = ROLLOUT_SERVING if number else ROLLBACK_DONE
        watch.scene.ledger.append(kind, f"p{number}", data, NOON - 9 * HOUR, "test")
    watch.capture("f", some("a", NOON - HOUR))
    watch.run()
    assert watch.windows[0].data["sampling"]["percent"] == 10


def test_records_of_batches_are_those_that_were_scored_where_requests_are_not_captured() -> None:
    watch = Watch()
    watch.scene.spec = parse_spec(TINY + "rollout: {capture_percent: 0}\nmonitoring: {min_rows: 3}\n")
    data = {"version": 1, "live_config": "config"}
    watch.scene.ledger.append(ROLLOUT_SERVING, "p", data, NOON - 9 * HOUR, "test")
    watch.capture("f", some("batch", NOON - HOUR))
    watch.run()
    assert watch.windows[0].data["sampling"]["scored_estimate"] == 4


def test_a_request_that_was_captured_again_in_another_file_is_a_repeat() -> None:
    watch = Watch()
    watch.capture("f", some("a", NOON - HOUR))
    watch.run()
    watch.capture("again", some("a", NOON - HOUR) | some("b", NOON + HOUR))
    watch.scene.later(days=1)
    watch.run()
    assert sum(window.data["repeats"] for window in watch.windows) == 4
    assert set(watch.counted.values()) == {1}


def _late_days(watch: Watch, days: range) -> set[str]:
    """One file of each of the ten days before the last window, that comes only now."""
    now = watch.scene.now
    for day in days:
        watch.capture(f"late{day}", {f"late{day}": now - day * DAY})
    return {f"late{day}" for day in days}


@pytest.mark.parametrize("schedule", ["cron(0 6 ? * MON *)", "rate(7 days)", "rate(1 day)"])
def test_files_of_every_older_day_are_found_whatever_the_schedule(schedule: str) -> None:
    watch = Watch(f"{{schedule: '{schedule}', min_rows: 3, windows: {{hours: 24}}}}")
    watch.capture("first", some("first", NOON - HOUR))
    watch.run()
    late = _late_days(watch, range(5, 15))
    for week in range(7):
        watch.scene.later(days=7)
        watch.capture(f"w{week}", some(f"w{week}", watch.scene.now - HOUR))
        watch.run()
    assert late <= set(watch.counted)


def test_a_run_without_traffic_looks_at_all_older_days() -> None:
    watch = Watch("{schedule: 'cron(0 6 ? * MON *)', min_rows: 3}")
    watch.capture("first", some("first", NOON - HOUR))
    watch.run()
    late = _late_days(watch, range(5, 15))
    watch.scene.later(days=7)
    watch.run()
    assert late <= set(watch.counted)


def _history(watch: Watch, chance: random.Random) -> set[str]:
    """Days of traffic and runs: files late, twice, shuffled; a clock that jumps. Names of all requests."""
    sent: dict[str, datetime] = {}
    for number in range(14):
        watch.scene.now += chance.choice([0, 0, 1, 6, 24, 24 * 9, -24 * 5]) * HOUR
        time = watch.scene.now - chance.choice([0, 0, 1, 5, 30, 24 * 12]) * HOUR
        fresh = {f"e{number}-{i}": time + timedelta(minutes=chance.randint(0, 90)) for i in range(chance.randint(1, 4))}
        again = dict(chance.sample(list(sent.items()), min(len(sent), chance.choice([0, 0, 2]))))
        events = list((fresh | again).items())
        chance.shuffle(events)
        watch.capture(f"f{number}", dict(events), rows=chance.randint(1, 3), hour=time)
        sent |= fresh
        if chance.random() < 0.5:
            _run(watch, chance)
    return set(sent)


def _run(watch: Watch, chance: random.Random) -> None:
    """A run that may be killed at any call, and is repeated, as Step Functions does, until it ends."""
    for _ in range(chance.choice([0, 0, 1, 3])):
        try:
            watch.run(calls=chance.randint(0, 40), before=chance.random() < 0.5)
        except Killed:
            continue
    watch.run()


@settings(max_examples=15, deadline=None)
@example(4293, "skip", True)  # killed after the window was recorded, before the lease was given back
@given(st.integers(0, 2**32 - 1), st.sampled_from(["skip", "carry"]), st.booleans())
def test_nothing_is_lost_or_counted_twice(seed: int, thin: str, large: bool) -> None:
    chance = random.Random(seed)
    shares = "{above_megabytes: 0.0002, share_megabytes: 0.0001}" if large else "{}"
    watch = Watch(f"{{min_rows: 3, windows: {{thin: {thin}, fan_out: {shares}}}}}")
    sent = _history(watch, chance)
    watch.scene.now = NOON + 200 * DAY
    for _ in range(9):
        watch.scene.later(days=1)
        watch.run()
    found = _requests(watch)
    assert set(found) == sent
    assert [event for event, times in found.items() if times != 1] == []


def _requests(watch: Watch) -> dict[str, int]:
    """How often each request is counted, by its first records."""
    found: dict[str, int] = {}
    for window in watch.windows:
        table = read_records(watch.scene.objects, window.data["uri"], ["_event_id", "_row"])
        for event, row in zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True):
            found[event] = found.get(event, 0) + (row == 0)
    return found


@pytest.mark.parametrize("before", [True, False])
def test_a_run_may_be_killed_at_every_single_call(before: bool) -> None:
    for calls in range(40):
        watch = Watch()
        watch.capture("f", some("a", NOON - DAY, 5))
        watch.capture("g", some("b", NOON - HOUR, 5))
        try:
            watch.run(calls=calls, before=before)
        except Killed:
            watch.run()
        assert set(watch.counted.values()) == {1}
        assert len(watch.counted) == 10
        assert len(watch.windows) == 2


def test_shares_give_the_window_of_a_single_function() -> None:
    found: list[Any] = []
    for shares in ("{}", "{above_megabytes: 0.001, share_megabytes: 0.0005}"):
        watch = Watch(f"{{min_rows: 3, windows: {{fan_out: {shares}}}}}")
        for number in range(6):
            time = NOON - (number + 1) * HOUR
            watch.capture(f"f{number}", some(f"a{number}", time) | some("twice", time))
        watch.scene.objects.write(next(watch.scene.objects.list("s3://captures/")).uri + "-bad.jsonl", b"not json\n")
        watch.run()
        (window,) = watch.windows
        found.append(({**window.data}, read_records(watch.scene.objects, window.data["uri"])))
    (one, rows), (shared, shared_rows) = found
    assert rows.equals(shared_rows)
    assert one == shared
    assert (one["repeats"], one["unreadable"]) == (20, 1)


def test_a_window_is_written_in_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimtab.monitoring.window_file.GROUP", 5)
    watch = Watch()
    for number in range(4):
        watch.capture(f"f{number}", some(f"a{number}", NOON - number * HOUR))
    watch.run()
    with watch.scene.objects.open(watch.windows[0].data["uri"]) as source:
        assert pq.ParquetFile(source).num_row_groups >= 3
