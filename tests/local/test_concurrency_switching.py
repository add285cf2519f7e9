"""The tests of many clients at once, on a server whose threads take turns as often as Python lets them."""

from collections.abc import Callable, Iterator

import pytest

from .conformance import test_concurrency
from .conformance.account import Account
from .conftest import SWITCHING_PROGRAM, LocalCloud, running_cloud

_TESTS = [test for name, test in vars(test_concurrency).items() if name.startswith("test_")]


@pytest.fixture(scope="module")
def switching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with running_cloud(tmp_path_factory.mktemp("localcloud"), SWITCHING_PROGRAM) as cloud:
        yield cloud


@pytest.mark.parametrize("test", _TESTS, ids=lambda test: test.__name__)
def test_nothing_is_lost_or_doubled_while_threads_take_turns_all_the_time(
    switching: LocalCloud, test: Callable[[Account], None]
) -> None:
    account = Account("us-east-1", "123456789012", switching)
    with account.undo:
        test(account)
