"""Names that have to be known before a resource exists: those whose ARNs appear in policies."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

VARIANT = "main"
CHALLENGER, SHADOW = "challenger", "shadow"
"""Variants of a version on its way: with a share of the requests, or with copies of them."""
SYNTHETIC = "trimtab-synthetic-"
"""How the inference ids of Trimtab's own requests to production begin; they are no traffic."""
ASYNC = "async"
"""Folder below a model's in the captures bucket: requests to an asynchronous endpoint, and its answers."""
BATCH = "batch"
"""Folder below a model's in the drops bucket, of records to score, and in the captures bucket, of scored ones."""
BATCH_EVENT = "trimtab-batch-"
"""How the ids of captured events begin that a batch has scored: measured, and no traffic of a rollout."""
MONITORING_PAGE = ("reports", "monitoring.html")
"""Where below a model's folder in the captures bucket the newest page on what monitoring has found lies."""
RECORDS = "records"
"""Folder below a model's in the artifacts bucket: how its versions were made, a folder for each run."""

_ALARM: Final = re.compile(r"Alarms(?P<id>[A-Z][A-Za-z0-9]*?)[0-9A-F]{8}(?:-[^-]*)?$")


def stack_name(stage: str, part: str) -> str:
    """Name of one of Trimtab's stacks, for example ``trimtab-dev-data``."""
    return f"trimtab-{stage}-{part}"


def model_stack_name(stage: str, model: str) -> str:
    """Name of the stack that serves one model."""
    return stack_name(stage, f"model-{model}")


def composites_of(stack: str) -> str:
    """What names of a stack's composite alarms begin with: the CDK makes them of letters and digits alone."""
    return stack.replace("-", "")


def alarms_of(stack: str) -> tuple[str, str]:
    """How the names of a stack's alarms begin that are about its model: of those on metrics, and of composites."""
    return f"{stack}-Alarms", f"{composites_of(stack)}Alarms"


def alarm_id(name: str) -> str:
    """What the stack of a model calls an alarm, by the name that CloudFormation or the CDK made of its place: GivenUp.

    Empty for an alarm that no stack of Trimtab's has made.
    """
    found = _ALARM.search(name)
    return found["id"] if found else ""


def wake_alarm(endpoint: str) -> str:
    """Name of the alarm that has the first instance of an asynchronous endpoint started when a request waits."""
    return f"{endpoint}-wake"


@dataclass(frozen=True)
class ModelNames:
    """Names of one model in one stage; every name starts with :attr:`prefix`."""

    stage: str
    model: str

    @property
    def prefix(self) -> str:
        return f"trimtab-{self.stage}-{self.model}"

    @property
    def package_group(self) -> str:
        return self.prefix

    @property
    def endpoint(self) -> str:
        return self.prefix

    @property
    def staging_endpoint(self) -> str:
        return f"{self.prefix}-staging"

    def machine(self, name: str) -> str:
        """Name of a state machine, for example ``trimtab-dev-flights-intake``."""
        return f"{self.prefix}-{name}"

    def run(self, stamp: str, execution: str) -> str:
        """Run id and training job name; ``stamp`` is yyyymmddhhmmss, ``execution`` the execution's name."""
        return f"{self.prefix}-{stamp}-{execution.replace('-', '')[-8:]}"

    @property
    def search_prefix(self) -> str:
        """Where names of the model's tuning jobs begin: SageMaker allows them only 32 characters."""
        return f"{self.model}-{_digest(self.prefix)[:3]}"

    def search(self, job: str) -> str:
        """Name of the tuning job before the training job ``job``; its trials' names begin with it."""
        return f"{self.search_prefix}-{_digest(job)[:9]}"

    def evaluation_job(self, run: str) -> str:
        """Name of the processing job that evaluates ``run``."""
        return f"{run}-eval"

    def batch_job(self, batch: str) -> str:
        """Name of the transform job of a batch."""
        return f"{self.prefix}-batch-{batch[:12]}"

    def lake_job(self, drop: str, execution: str) -> str:
        """Name of the processing job that judges a table in a lake; another execution has another."""
        return f"{self.prefix}-lake-{drop[:8]}-{_digest(execution)[:8]}"

    def served(self, version: int, tag: str, purpose: str = "") -> str:
        """Name of a SageMaker model and its endpoint config, for example ``trimtab-dev-flights-v3-1a2b3c4d``."""
        suffix = f"-{purpose}" if purpose else ""
        return f"{self.prefix}-v{version}-{tag[:8]}{suffix}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
