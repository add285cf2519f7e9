"""Lambda functions of other people, behind the Functions port."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from trimtab.rollout.checking import Said

ANSWER_S = 20
"""Seconds that a function has for its answer: whoever asks has a minute for everything."""


class LambdaFunctions:
    """Functions in Lambda, asked once each."""

    def __init__(self, functions: Any) -> None:
        self._lambda = functions

    @classmethod
    def connect(cls) -> "LambdaFunctions":
        """With a client that does not wait for long, nor ask twice."""
        patience = Config(read_timeout=ANSWER_S, retries={"total_max_attempts": 1}, user_agent_extra="trimtab")
        return cls(boto3.client("lambda", config=patience))

    def ask(self, name: str, question: Mapping[str, Any]) -> Said:
        try:
            answer = self._lambda.invoke(FunctionName=name, Payload=json.dumps(dict(question)).encode())
            body = answer["Payload"].read()
        except (ClientError, BotoCoreError) as error:
            return Said(name, False, f"it could not be asked: {error}")
        if "FunctionError" in answer:
            return Said(name, False, f"it failed: {body[:500].decode(errors='replace')}")
        return _said(name, body)


def _said(name: str, body: bytes) -> Said:
    try:
        found = json.loads(body)
        passed, reason = found["passed"], str(found.get("reason", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Said(name, False, f"it did not answer {{passed, reason}} but {body[:200].decode(errors='replace')}")
    return Said(name, passed is True, reason)
