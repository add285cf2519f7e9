"""What SageMaker keeps in one region: the records of jobs, models, endpoints and packages, and their tags."""

import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from localcloud.clients import Credentials
from localcloud.cloud import Cloud
from localcloud.sagemaker.errors import ValidationError
from localcloud.sagemaker.shadow import Mirror
from localcloud.sagemaker.uris import arn

if TYPE_CHECKING:
    from localcloud.sagemaker.endpoint import Endpoint
    from localcloud.sagemaker.jobs import Job
    from localcloud.sagemaker.metrics import InvocationMetrics

CREDENTIALS_PATH = "/v2/credentials/"
PRINCIPAL = "sagemaker.amazonaws.com"
TABLES = (
    "tags", "quotas", "credential_paths", "models", "endpoint_configs", "package_groups", "packages",
    "package_versions", "tracked", "associations", "feature_groups", "offline_rows",
)  # fmt: skip
_SESSION = "SageMaker"
Record = dict[str, Any]
Request = dict[str, Any]
Answer = dict[str, Any] | None
Operation = Callable[["Region", Request], Answer]


@dataclass
class Region:
    """SageMaker in one region.

    Operations hold `lock`; threads of jobs and endpoints take it to change a record. `caller_key` is the access key
    of the operation that holds the lock. TABLES and `jobs` (records by kind, as "TrainingJob", and name) are plain
    data, which is kept; `live_jobs` are those in progress by ARN; `credential_paths` say which role, for which
    resource, may ask for its keys at a path.
    """

    cloud: Cloud
    name: str
    metrics: "InvocationMetrics"
    lock: Any
    on_change: Callable[[str, str], None]
    caller_key: str = ""
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Record]] = field(default_factory=lambda: defaultdict(dict))
    live_jobs: dict[str, "Job"] = field(default_factory=dict)
    mirror: Mirror = field(default_factory=Mirror)
    quotas: dict[str, int] = field(default_factory=dict)
    credential_paths: dict[str, tuple[str, str]] = field(default_factory=dict)
    models: dict[str, Record] = field(default_factory=dict)
    endpoint_configs: dict[str, Record] = field(default_factory=dict)
    endpoints: dict[str, "Endpoint"] = field(default_factory=dict)
    package_groups: dict[str, Record] = field(default_factory=dict)
    packages: dict[str, Record] = field(default_factory=dict)
    package_versions: dict[str, int] = field(default_factory=dict)
    tracked: dict[str, dict[str, Record]] = field(default_factory=dict)
    associations: dict[tuple[str, str], Record] = field(default_factory=dict)
    feature_groups: dict[str, Record] = field(default_factory=dict)
    features: dict[str, dict[str, Record]] = field(default_factory=dict)
    offline_rows: dict[str, list[Record]] = field(default_factory=dict)

    def changed(self, kind: str = "", name: str = "") -> None:
        """The record of a job, endpoint or "Feature", or else the table `name` (any), is not what was kept last."""
        self.on_change(kind, name)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource of this region."""
        return arn(self.name, self.cloud.account, kind, name)

    def now(self) -> datetime:
        """Virtual time."""
        return self.cloud.clock.utcnow()

    def client(self, role_arn: str, service: str, source_arn: str) -> Any:
        """A client with the credentials of a role that SageMaker assumes for the resource `source_arn`."""
        return self.cloud.clients.as_role(role_arn, PRINCIPAL, _SESSION, service, self.name, source_arn)

    def credentials(self, role_arn: str, source_arn: str) -> Credentials:
        """The credentials of a role that SageMaker assumes for the resource `source_arn`."""
        return self.cloud.clients.role_credentials(role_arn, PRINCIPAL, _SESSION, source_arn)

    def credentials_path(self, role_arn: str, source_arn: str) -> str:
        """A path of this server, known to nobody else, at which a container finds the role's present keys."""
        path = f"{CREDENTIALS_PATH}{uuid.uuid4()}"
        self.credential_paths[path] = (role_arn, source_arn)
        return path

    def require_role(self, role_arn: str, source_arn: str) -> None:
        """SageMaker can assume the role. Raises ValidationError with AWS's text."""
        try:
            self.credentials(role_arn, source_arn)
        except ClientError as error:
            raise ValidationError(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                f"'{PRINCIPAL}' to assume the role."
            ) from error

    def set_tags(self, resource_arn: str, tags: list[dict[str, str]]) -> None:
        """The resource has these tags beside those it had."""
        self.tags.setdefault(resource_arn, {}).update({tag["Key"]: tag["Value"] for tag in tags})


def public(record: Record) -> Record:
    """A copy of a record as Describe* answers it: without None and without empty structures."""
    return {key: value for key, value in record.items() if value is not None and value != {}}
