"""Service quotas: how many instances of a type may be in use at once, by the names of AWS's Service Quotas."""

from collections import Counter
from typing import Any

from localcloud.faults.plan import Kind
from localcloud.sagemaker.errors import ResourceLimitExceededError
from localcloud.sagemaker.service import Region

DEFAULT_INSTANCES = 100
TRAINING, SPOT_TRAINING = "training job usage", "spot training job usage"
PROCESSING, TRANSFORM, ENDPOINT = "processing job usage", "transform job usage", "endpoint usage"
Usage = Counter[str]


def quota(instance_type: str, use: str) -> str:
    """The quota's name, as "ml.m5.large for endpoint usage"."""
    return f"{instance_type} for {use}"


def in_use(region: Region) -> Usage:
    """Instances in use by quota: of jobs in progress and of endpoints."""
    total: Usage = Counter()
    for job in list(region.live_jobs.values()):
        total.update(job.usage())
    for endpoint in list(region.endpoints.values()):
        total.update(endpoint.usage())
    return total


def require(region: Region, wanted: Usage, resource: str) -> None:
    """`wanted` instances more for `resource` (a name) are within every quota, and no fault plan refuses them.

    Raises ResourceLimitExceededError with AWS's text.
    """
    used = in_use(region)
    for name, count in wanted.items():
        refused = count > 0 and region.cloud.faults.fault(Kind.REFUSE_CAPACITY, "sagemaker", name, resource)
        limit = used[name] if refused else region.quotas.get(name, DEFAULT_INSTANCES)
        if count > 0 and used[name] + count > limit:
            raise ResourceLimitExceededError(
                f"The account-level service limit '{name}' is {limit} Instances, with current utilization of "
                f"{used[name]} Instances and a request delta of {count} Instances. Please use AWS Service Quotas to "
                "request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to "
                "request an increase for this quota."
            )


def admin_route(region: Region, body: dict[str, Any]) -> dict[str, Any]:
    """The limits that differ from the default after those in `body` were set; None sets the default again."""
    for name, limit in body.items():
        if limit is None:
            region.quotas.pop(name, None)
        else:
            region.quotas[name] = int(limit)
    return {"default": DEFAULT_INSTANCES, "limits": region.quotas, "in use": in_use(region)}
