"""boto3 as its users call it: no endpoint, no retries, nothing in the code that knows of the local cloud."""

from collections.abc import Callable

from .conftest import Client


def test_resources_waiters_transfers_and_pages_work(client: Callable[[str], Client]) -> None:
    done = client("boto3").script("plain_boto3.py")
    assert done["sizes"] == {"big": 9_000_000, "small": 5}
    assert done["rows"] == [f"{number:02}" for number in range(40)]
    assert done["account"] == "123456789012"
