"""Which time `trimtab served` is asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.served import instant
from cli.stage import CommandError
from tests.fakes import MemoryLedger


def test_a_time_without_a_zone_is_utc() -> None:
    assert instant("2013-07-04T12:00", []) == datetime(2013, 7, 4, 12, tzinfo=UTC)


def test_what_is_no_time_is_refused_with_an_example() -> None:
    with pytest.raises(CommandError, match="'noon' is no time; write it like 2013-07-04T12:00"):
        instant("noon", [])


def test_a_time_that_has_not_come_is_refused_unless_the_ledger_has_reached_it() -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(CommandError, match="has not come yet"):
        instant(tomorrow.isoformat(), [])
    ledger = MemoryLedger()
    ledger.append("drop.accepted", "d", {}, tomorrow + timedelta(hours=1), "test")
    assert instant(tomorrow.isoformat(), ledger.entries()) == tomorrow
