"""A machine that a person starts in their own name, and what came of it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.asking import ended, start
from cli.errors import CommandError
from cli.stage import Stage
from tests.fakes import NOON, MemoryLedger

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:trimtab-dev-tiny-release"
EXECUTION = f"{MACHINE}:release-1"


class States:
    """Step Functions: an execution that runs for two looks and then has ended, or a start that is denied."""

    def __init__(self, denied: str = "") -> None:
        self._denied, self._looks = denied, ["RUNNING", "RUNNING", "SUCCEEDED"]
        self.started: list[dict[str, Any]] = []

    def start_execution(self, **asked: Any) -> dict[str, Any]:
        if self._denied:
            raise ClientError({"Error": {"Code": self._denied, "Message": "no"}}, "StartExecution")
        self.started.append(asked)
        return {"executionArn": f"{MACHINE}:{asked['name']}"}

    def describe_execution(self, **_asked: Any) -> dict[str, str]:
        return {"status": self._looks.pop(0)}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "me"}


def stage(states: States) -> Stage:
    made: Any = Stage(session=object())
    made.__dict__["client"] = lambda _: states
    found: Stage = made
    return found


def test_whoever_starts_it_is_named_by_their_credentials_and_not_by_the_request() -> None:
    states = States()
    execution = start(stage(states), MACHINE, "release", {"model": "tiny", "by": "somebody"}, "open a gate")
    (asked,) = states.started
    assert json.loads(asked["input"]) == {"model": "tiny", "by": "me"}
    assert asked["name"].startswith("release-")
    assert execution == f"{MACHINE}:{asked['name']}"


def test_who_may_not_is_told_which_policy_allows_it_and_other_faults_are_not_that() -> None:
    with pytest.raises(CommandError, match="you may not open a gate: that takes the policy ApproverPolicy"):
        start(stage(States("AccessDeniedException")), MACHINE, "release", {}, "open a gate")
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        start(stage(States("StateMachineDoesNotExist")), MACHINE, "release", {}, "open a gate")


def test_its_end_is_waited_for_and_told_by_its_name() -> None:
    pauses: list[float] = []
    told = {"release-1": {"outcome": "Released"}}.get
    found = ended(stage(States()), MemoryLedger(), EXECUTION, told, "nothing was released", pauses.append)
    assert (found, len(pauses)) == ({"outcome": "Released"}, 2)


def test_where_nothing_is_told_the_failure_is_or_how_it_ended() -> None:
    ledger = MemoryLedger()
    with pytest.raises(CommandError, match="nothing was released: the execution SUCCEEDED"):
        ended(stage(States()), ledger, EXECUTION, lambda _: None, "nothing was released", lambda _: None)
    ledger.append("machine.failed", "release-1", {"cause": "the table is gone"}, NOON, "test")
    with pytest.raises(CommandError, match="nothing was released: the table is gone"):
        ended(stage(States()), ledger, EXECUTION, lambda _: None, "nothing was released", lambda _: None)
