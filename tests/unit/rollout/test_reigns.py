"""Who served and until when, and what may be gone back to."""

from datetime import timedelta

import pytest

from tests.fakes import NOON, MemoryLedger
from trimtab.rollout.keeping import outdated
from trimtab.rollout.reigns import good_versions, reigns
from trimtab.spec.after import AfterSpec

DAY = timedelta(days=1)


def story(*versions: int) -> MemoryLedger:
    """The versions serve one after the other, a day each; one that served before comes back by a rollback."""
    ledger, seen = MemoryLedger(), set[int]()
    for number, version in enumerate(versions):
        kind = "rollback.done" if version in seen else "rollout.serving"
        champion = {"version": version, "config": f"tiny-v{version}"}
        ledger.append(kind, f"p{number}", {"champion": champion}, NOON + number * DAY, "test")
        seen.add(version)
    return ledger


@pytest.mark.parametrize(
    ("versions", "good"),
    [((), []), ((1,), [1]), ((1, 2, 3), [1, 2, 3]), ((1, 2, 1), [1]), ((1, 2, 1, 3), [1, 3]), ((1, 2, 3, 1), [1])],
)
def test_a_version_that_was_rolled_back_is_not_good_any_more(versions: tuple[int, ...], good: list[int]) -> None:
    assert good_versions(reigns(story(*versions).entries())) == good


def test_a_reign_ends_when_the_next_begins() -> None:
    first, second = reigns(story(1, 2).entries())
    assert (first.until, second.until) == (NOON + DAY, None)


@pytest.mark.parametrize(
    ("after", "days", "gone"),
    [
        (AfterSpec(keep_versions=1, grace_days=2), 4, [1]),
        (AfterSpec(keep_versions=2, grace_days=2), 40, [1]),
        (AfterSpec(keep_versions=1, grace_days=2), 40, [1, 2]),
        (AfterSpec(keep_versions=3, grace_days=0), 40, []),
        (AfterSpec(keep_versions=1, grace_days=90), 40, []),
    ],
)
def test_what_is_kept_is_told_by_number_and_by_age(after: AfterSpec, days: int, gone: list[int]) -> None:
    found = outdated(story(1, 2, 3, 4).entries(), after, NOON + days * DAY)
    assert found == [f"tiny-v{version}" for version in gone]


def test_a_version_that_serves_again_is_kept_however_long_ago_it_served_first() -> None:
    assert "tiny-v1" not in outdated(
        story(1, 2, 3, 1).entries(), AfterSpec(keep_versions=1, grace_days=0), NOON + 99 * DAY
    )
