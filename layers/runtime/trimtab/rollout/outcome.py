"""The outcome of a rollout, told by what is served and never by the endpoint's status.

After an automatic rollback SageMaker says InService, on the old config: only the config's name tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.ports import EndpointState

SETTLED = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})
"""Statuses that SageMaker does not leave by itself."""
_BY_HAND = "CloudTrail's DeleteEndpoint says who removed it"
_SILENT = (
    "none of its alarms rings and SageMaker gave no reason; it also goes back when it cannot read the alarms: look "
    "whether the execution role may call cloudwatch:DescribeAlarms, and in CloudTrail for an UpdateEndpoint by hand"
)


@dataclass(frozen=True)
class Outcome:
    """What a rollout came to, in words that a person can act on."""

    outcome: Literal["Serving", "RolledBack"]
    reason: str
    live_config: str | None


def is_settled(endpoint: EndpointState | None) -> bool:
    """True when waiting longer changes nothing; an endpoint that is gone has settled too."""
    return endpoint is None or endpoint.status in SETTLED


def outcome_of(planned_config: str, endpoint: EndpointState | None, causes: Sequence[str]) -> Outcome:
    """Serving exactly when the endpoint is InService with ``planned_config``; ``causes`` explain anything else."""
    if endpoint is None:
        return Outcome("RolledBack", _explained("the endpoint does not exist any more", causes, _BY_HAND), None)
    if endpoint.config == planned_config and endpoint.status == "InService":
        return Outcome("Serving", f"the endpoint serves {planned_config}", endpoint.config)
    why = _SILENT if endpoint.status == "InService" else "SageMaker gave no reason"
    return Outcome("RolledBack", _explained(_observed(planned_config, endpoint), causes, why), endpoint.config)


def _observed(planned_config: str, endpoint: EndpointState) -> str:
    if endpoint.status == "UpdateRollbackFailed":
        return (
            f"SageMaker could not roll back (UpdateRollbackFailed); put the last good config back with: aws sagemaker "
            f"update-endpoint --endpoint-name {endpoint.name} --endpoint-config-name {endpoint.config}"
        )
    if endpoint.status != "InService":
        return f"the endpoint is {endpoint.status} with {endpoint.config}"
    return f"the endpoint is InService, but serves {endpoint.config} and not {planned_config}"


def _explained(observation: str, causes: Sequence[str], otherwise: str) -> str:
    return f"{observation}: {'; '.join(causes)}" if causes else f"{observation}; {otherwise}"
