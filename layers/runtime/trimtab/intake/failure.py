"""A state machine that ended in an error nobody had planned for: written down, told to people."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trimtab.intake.record import recorded
from trimtab.ledger.kinds import MACHINE_FAILED
from trimtab.ports import Ledger, Notifier

ACTOR: Final = "record_failure"
CAUSE_LENGTH: Final = 2_000


@dataclass(frozen=True)
class Failure:
    """What Step Functions says of a failed execution."""

    machine: str
    execution: str
    error: str
    cause: str

    @property
    def message(self) -> str:
        """The error's own message: Lambda wraps it in JSON, services give plain text."""
        try:
            parsed = json.loads(self.cause)
        except ValueError:
            return self.cause[:CAUSE_LENGTH]
        message = parsed.get("errorMessage") if isinstance(parsed, dict) else None
        return str(message or self.cause)[:CAUSE_LENGTH]


def record_failure(model: str, failure: Failure, ledger: Ledger, notifier: Notifier, at: datetime) -> bool:
    """The failure is in the ledger and people are told. False when an earlier attempt had done both."""
    if recorded(ledger, MACHINE_FAILED, failure.execution, failure.execution):
        return False
    notifier.send(
        subject=f"{model}: {failure.machine} failed"[:100],
        what=f"The execution {failure.execution} of {failure.machine} ended in an error. What it worked on is kept.",
        why=f"{failure.error}: {failure.message}",
        next_step="Mend the cause, then redrive the execution in the Step Functions console, or send its input again.",
        quotes_data=True,
    )
    data = {
        "machine": failure.machine,
        "execution": failure.execution,
        "error": failure.error,
        "cause": failure.message,
        "summary": f"{failure.machine} failed: {failure.error}",
    }
    ledger.append(MACHINE_FAILED, failure.execution, data, at, ACTOR)
    return True
