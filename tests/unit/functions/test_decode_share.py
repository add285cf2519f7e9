"""A share of a large window is decoded apart from the others, and may be decoded again."""

from datetime import timedelta

from tests.fakes import NOON
from tests.unit.monitoring.watching import Life, Watch

SHARED = "{min_rows: 3, windows: {fan_out: {above_megabytes: 0.0001, share_megabytes: 0.0001}}}"


def test_a_share_that_is_decoded_twice_is_counted_once() -> None:
    watch = Watch(SHARED)
    for number in range(3):
        events = {f"e{number}-{each}": NOON - timedelta(hours=number + 1) for each in range(4)}
        watch.capture(f"f{number}", events)
    life = Life(10**9, before=True)
    planned = watch.call(life, "collect_window", "run")
    assert (planned["outcome"], planned["shares"]) == ("Large", [0, 1, 2])
    rows = [
        watch.call(life, "decode_share", "run", plan=planned["plan"], share=share)["rows"] for share in (2, 0, 1, 1)
    ]
    assert rows == [4, 4, 4, 4]
    merged = watch.call(life, "collect_window", "run", plan=planned["plan"])
    assert (merged["outcome"], merged["window"]["rows"], merged["turn"]) == ("Collected", 12, 1)
    assert set(watch.counted.values()) == {1}


def test_no_other_run_collects_while_shares_are_decoded() -> None:
    watch = Watch(SHARED)
    watch.capture("f", {f"e{each}": NOON - timedelta(hours=1) for each in range(4)})
    watch.call(Life(10**9, before=True), "collect_window", "run")
    watch.scene.later(hours=1)
    lease = watch.scene.ledger.lease_holder("window")
    assert lease is not None
    assert (lease.holder, lease.expires > watch.scene.now) == ("run", True)
