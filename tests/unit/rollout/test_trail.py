"""What CloudTrail said is kept: how often it is asked, and that nothing is lost or believed by halves."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from tests.fakes import ANN, NOON, MemoryLedger
from trimtab.errors import TrailNotRead
from trimtab.ports import Package
from trimtab.rollout.trail import KeptTrail, Page
from trimtab.rollout.votes import Caller, StatusChange

GROUP = "arn:aws:sagemaker:us-east-1:123456789012:model-package/trimtab-dev"
MINE = f"{GROUP}-tiny/2"
PACKAGE = Package(MINE, "trimtab-dev-tiny", 2, "Approved", "s3://a", "image", {}, NOON)
OTHERS = "another model's version"


@dataclass
class Region:
    """CloudTrail of a region: a second's events in the order in which they were added, each shown some time later."""

    events: list[tuple[str, str, StatusChange, datetime]] = field(default_factory=list)
    now: datetime = NOON
    calls: int = 0
    throttled_after: int | None = None
    elapsed: float = 0.0

    def add(self, minute: float, status: str = "Approved", arn: str = MINE, late: float = 5, made: bool = False) -> str:
        at = NOON + timedelta(minutes=minute)
        name = "CreateModelPackage" if made else "UpdateModelPackage"
        change = StatusChange(f"e{len(self.events)}", status, Caller(ANN), at, is_registration=made)
        self.events.append((name, arn, change, at + timedelta(minutes=late)))
        return change.id

    def pages(self, call: str, package_arn: str, start: datetime, end: datetime | None) -> Iterator[Page]:
        """As LookupEvents has them, 50 in an answer."""
        assert start.microsecond == 0
        until = end or self.now
        shown = [(arn, e) for name, arn, e, seen in self.events if name == call and seen <= self.now]
        found = sorted(((arn, e) for arn, e in shown if start <= e.at <= until), key=lambda each: each[1].at)[::-1]
        for first in range(0, max(1, len(found)), 50):
            self.calls += 1
            self.elapsed += 1.0
            if self.throttled_after is not None and self.calls > self.throttled_after:
                raise TrailNotRead("CloudTrail throttles")
            part = found[first : first + 50]
            mine = tuple(e for arn, e in part if arn == package_arn)
            yield Page(mine, part[-1][1].at if part else None, first + 50 < len(found))

    def asked(self) -> int:
        """Calls since the last question."""
        calls, self.calls = self.calls, 0
        return calls


@pytest.fixture
def region() -> Region:
    return Region()


@pytest.fixture
def trail(region: Region) -> KeptTrail:
    return KeptTrail(region, MemoryLedger(), lambda: region.elapsed, most_s=1e6)


def ids(trail: KeptTrail, region: Region, minute: float, package: Package = PACKAGE) -> list[str]:
    region.now = NOON + timedelta(minutes=minute)
    return [change.id for change in trail.changes(package, region.now)]


DAYS = 20 * 24 * 60


def of_a_thousand_models(region: Region, minutes: int = DAYS) -> None:
    """Each is trained once a week, and its version turned three times."""
    for number in range(minutes * 3000 // (7 * 24 * 60)):
        region.add(number * 7 * 24 * 60 / 3000, arn=OTHERS)


def read_whole(trail: KeptTrail, region: Region, minute: float) -> tuple[list[str], int]:
    """The changes, and how often the reading had to stop."""
    for stops in range(30):
        try:
            return ids(trail, region, minute), stops
        except TrailNotRead:
            pass
    raise AssertionError("it never ends")


def test_among_a_thousand_models_the_second_check_reads_only_what_is_newer(trail: KeptTrail, region: Region) -> None:
    made, voted = region.add(0, "PendingManualApproval", made=True), region.add(DAYS - 60)
    of_a_thousand_models(region)
    found, stops = read_whole(trail, region, DAYS)
    assert (found, stops) == ([made, voted], 1)
    assert region.asked() > 150
    again = region.add(DAYS + 10, "Rejected")
    assert ids(trail, region, DAYS + 16) == [made, voted, again]
    assert region.asked() == 1


def test_a_quiet_region_is_asked_twice_and_then_once(trail: KeptTrail, region: Region) -> None:
    made = region.add(0, "PendingManualApproval", made=True)
    assert ids(trail, region, 10) == [made]
    assert region.asked() == 2
    voted = region.add(60)
    assert ids(trail, region, 70) == [made, voted]
    assert region.asked() == 1


@pytest.mark.parametrize("late", [6, 15, 50])
def test_an_event_that_is_shown_after_later_ones_were_read_is_found(
    trail: KeptTrail, region: Region, late: float
) -> None:
    first, second = region.add(100, late=late), region.add(101, late=1)
    assert ids(trail, region, 103) == [second]
    assert ids(trail, region, 101 + late) == [first, second]


def test_a_registration_that_is_shown_late_comes_before_what_followed_it(trail: KeptTrail, region: Region) -> None:
    voted = region.add(0, late=1)
    made = region.add(0, "PendingManualApproval", made=True, late=20)
    assert ids(trail, region, 2) == [voted]
    assert ids(trail, region, 25) == [made, voted]
    region.asked()
    assert ids(trail, region, 26) == [made, voted]
    assert region.asked() == 1


def test_a_registration_that_nobody_shows_is_not_looked_for_for_ever(trail: KeptTrail, region: Region) -> None:
    voted = region.add(10)
    ids(trail, region, 200)
    region.asked()
    assert ids(trail, region, 300) == [voted]
    assert region.asked() == 1


def test_a_vote_stays_that_cloudtrail_has_long_forgotten(trail: KeptTrail, region: Region) -> None:
    voted = region.add(10)
    ids(trail, region, 20)
    region.events.clear()
    later = region.add(DAYS, "Approved", arn=MINE)
    region.events[0] = (*region.events[0][:2], replace(region.events[0][2], id="later"), region.events[0][3])
    assert later == voted
    assert ids(trail, region, DAYS + 10) == [voted, "later"]


def test_reading_twice_finds_each_act_once_with_all_that_it_said(trail: KeptTrail, region: Region) -> None:
    region.add(10)
    name, arn, change, seen = region.events[0]
    told = replace(change, by=Caller(ANN, "role", "ann"), reason="checked", skips=("staging",))
    region.events[0] = (name, arn, told, seen)
    ids(trail, region, 20)
    region.now += timedelta(days=1)
    assert trail.changes(PACKAGE, region.now) == [told]


def test_acts_of_one_second_keep_the_order_of_the_trail_over_pages_and_readings(
    trail: KeptTrail, region: Region
) -> None:
    acts = [region.add(10, status) for status in ("Approved", "Rejected", "Approved") * 20]
    assert ids(trail, region, 20) == acts
    assert ids(trail, region, 21) == acts


def test_another_package_of_the_same_name_inherits_nothing(trail: KeptTrail, region: Region) -> None:
    region.add(10)
    ids(trail, region, 20)
    reborn = replace(PACKAGE, created=NOON + timedelta(days=2))
    assert ids(trail, region, 3000, reborn) == []


# what one reading may take --------------------------------------------------------------------------------------------


def test_what_is_read_in_part_is_no_answer_and_the_next_reading_goes_on(trail: KeptTrail, region: Region) -> None:
    voted = region.add(1)
    of_a_thousand_models(region)
    recent = region.add(DAYS - 100)
    with pytest.raises(TrailNotRead, match="its approvals are not counted: the next attempt goes on from there"):
        ids(trail, region, DAYS)
    before = region.asked()
    newest = region.add(DAYS + 20)
    assert ids(trail, region, DAYS + 30) == [voted, recent, newest]
    assert before + region.asked() < 180


def test_throttling_ends_a_reading_which_goes_on_later(trail: KeptTrail, region: Region) -> None:
    voted = region.add(1)
    of_a_thousand_models(region, minutes=7 * 24 * 60)
    for _ in range(6):
        region.throttled_after = 10
        with pytest.raises(TrailNotRead, match="throttles"):
            ids(trail, region, 7 * 24 * 60)
        region.asked()
    region.throttled_after = None
    assert ids(trail, region, 7 * 24 * 60) == [voted]
    assert region.asked() < 12


def test_throttling_of_the_very_first_call_loses_nothing(trail: KeptTrail, region: Region) -> None:
    voted, region.throttled_after = region.add(1), 0
    with pytest.raises(TrailNotRead):
        ids(trail, region, 20)
    region.throttled_after = None
    assert ids(trail, region, 21) == [voted]


def test_a_slow_trail_ends_a_reading_in_time(region: Region) -> None:
    of_a_thousand_models(region)
    trail = KeptTrail(region, MemoryLedger(), lambda: region.elapsed, most_s=30)
    with pytest.raises(TrailNotRead, match="read back to 2"):
        ids(trail, region, DAYS)
    assert region.asked() == 30


def test_a_trail_that_ends_with_the_last_page_allowed_is_an_answer(region: Region) -> None:
    voted = region.add(10)
    trail = KeptTrail(region, MemoryLedger(), lambda: region.elapsed, most_pages=2)
    assert ids(trail, region, 20) == [voted]
