"""State machines of the conformance tests: made, run, awaited and removed."""

import json
from dataclasses import dataclass
from typing import Any

from .account import Account, Statement, allow

LAMBDA = "arn:aws:states:::lambda:invoke"
EVERYTHING = allow("*")


@dataclass
class Machines:
    """Makes state machines in an account, and runs them."""

    account: Account

    @property
    def client(self) -> Any:
        """The administrator's client of Step Functions."""
        return self.account.client("stepfunctions")

    def create(self, states: dict[str, Any], *statements: Statement, **more: Any) -> str:
        """The ARN of a new machine that starts at its first state; its role may do everything by default."""
        role = self.account.role("states.amazonaws.com", *(statements or [EVERYTHING]))
        top = {key: more.pop(key) for key in ("TimeoutSeconds", "QueryLanguage") if key in more}
        definition = json.dumps({"StartAt": next(iter(states)), "States": states, **top})
        made = self.client.create_state_machine(
            name=self.account.unique("machine"), definition=definition, roleArn=role, **more
        )
        arn = str(made["stateMachineArn"])
        self.account.later(self.client.delete_state_machine, stateMachineArn=arn)
        return arn

    def start(self, machine: str, document: Any = None, **more: Any) -> str:
        """The ARN of a new execution."""
        text = json.dumps({} if document is None else document)
        return str(self.client.start_execution(stateMachineArn=machine, input=text, **more)["executionArn"])

    def described(self, execution: str) -> dict[str, Any]:
        """DescribeExecution's answer."""
        found: dict[str, Any] = self.client.describe_execution(executionArn=execution)
        return found

    def ended(self, execution: str, seconds: float = 20) -> dict[str, Any]:
        """DescribeExecution's answer once the execution no longer runs."""
        self.account.wait_until(lambda: self.described(execution)["status"] != "RUNNING", seconds)
        return self.described(execution)

    def outcome(self, machine: str, document: Any = None) -> dict[str, Any]:
        """The end of a new execution."""
        return self.ended(self.start(machine, document))

    def history(self, execution: str) -> list[dict[str, Any]]:
        """All events of the execution."""
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def kinds(self, execution: str) -> list[str]:
        """The types of the execution's events."""
        return [event["type"] for event in self.history(execution)]

    def entered(self, execution: str) -> list[str]:
        """The names of the states that were entered, in order."""
        events = self.history(execution)
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A task state that ends its machine."""
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def distributed(states: dict[str, Any], kind: str = "STANDARD", **more: Any) -> dict[str, Any]:
    """A Distributed Map state that ends its machine; its children start at the first of `states`."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    processor = {"ProcessorConfig": config, "StartAt": next(iter(states)), "States": states}
    return {"Type": "Map", "ItemProcessor": processor, "End": True, **more}
