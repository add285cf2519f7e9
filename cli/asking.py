"""A machine that a person starts in their own name, and what came of it."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from cli.stage import CommandError, Stage, status_of
from trimtab.ledger.kinds import MACHINE_FAILED
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger

_LOOK_S = 1.0


def start(stage: Stage, machine: str, kind: str, request: dict[str, Any], act: str) -> str:
    """ARN of an execution called ``kind``-something; ``by`` in its input is whose credentials these are.

    Raises CommandError, which names the policy that allows the ``act``, for who may not start the machine.
    """
    by = str(stage.client("sts").get_caller_identity()["Arn"])
    try:
        started = stage.client("stepfunctions").start_execution(
            stateMachineArn=machine, name=f"{kind}-{uuid.uuid4().hex[:16]}", input=json.dumps({**request, "by": by})
        )
    except ClientError as error:
        if "AccessDenied" not in error.response["Error"]["Code"]:
            raise
        raise CommandError(
            f"you may not {act}: that takes the policy ApproverPolicy of the model's stack. {error}"
        ) from error
    return str(started["executionArn"])


def ended(
    stage: Stage,
    ledger: Ledger,
    execution: str,
    told: Callable[[str], dict[str, Any] | None],
    nothing: str,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """What the ledger says of the execution once it has ended. Raises CommandError, ``nothing`` and why, otherwise."""
    while (status := status_of(stage, execution)) == "RUNNING":
        pause(_LOOK_S)
    name = execution.rsplit(":", 1)[1]
    if found := told(name):
        return found
    failed = decided(ledger, MACHINE_FAILED, name) or {}
    raise CommandError(f"{nothing}: {failed.get('cause') or f'the execution {status}'} ({execution})")
