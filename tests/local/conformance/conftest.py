"""Conformance tests run in the local cloud; with `-m aws` the same tests run in the account of your credentials."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from ..conftest import LocalCloud
from .account import Account

HERE = Path(__file__).parent


def _in_an_account(config: pytest.Config) -> bool:
    return "aws" in str(config.getoption("markexpr")).split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is meant for an account, too."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("aws")


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> tuple[str, str, LocalCloud | None]:
    """Region, account number and, unless `-m aws` was given, the session's local cloud."""
    if _in_an_account(request.config):
        session = boto3.Session()
        return session.region_name, session.client("sts").get_caller_identity()["Account"], None
    return "us-east-1", "123456789012", request.getfixturevalue("cloud")


@pytest.fixture
def account(place: tuple[str, str, LocalCloud | None]) -> Iterator[Account]:
    """The account that a test may use; what it made there is removed afterwards."""
    region, number, local = place
    made = Account(region, number, local)
    with made.undo:
        yield made
