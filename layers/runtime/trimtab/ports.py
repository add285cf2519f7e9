"""What the library asks of the world. Adapters in trimtab.aws and fakes in the tests both keep these promises."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from trimtab.precondition import Precondition
from trimtab.telemetry import Metric


@dataclass(frozen=True)
class ObjectInfo:
    """One version of a stored object."""

    uri: str
    size: int
    """Bytes."""
    modified: datetime
    version: str = ""
    etag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What follows the bucket's name."""
        return self.uri.removeprefix("s3://").partition("/")[2]


class ObjectStore(Protocol):
    """Objects by ``s3://bucket/key``; a version pins the bytes."""

    def read(self, uri: str, version: str | None = None) -> bytes:
        """All bytes. Raises FileNotFoundError when the object or version is gone."""
        ...

    def open(self, uri: str, version: str | None = None) -> BinaryIO:
        """A seekable reader that fetches ranges, so memory stays bounded. Raises FileNotFoundError."""
        ...

    def write(self, uri: str, body: bytes, content_type: str = "application/octet-stream") -> None: ...

    def upload(self, uri: str, path: Path) -> None: ...

    def download(self, uri: str, path: Path, version: str | None = None) -> None: ...

    def head(self, uri: str, version: str | None = None) -> ObjectInfo | None:
        """None when the object is gone or its newest version is a delete marker."""
        ...

    def sha256(self, uri: str, version: str | None = None) -> str | None:
        """Hex SHA-256 that the store itself has of all the bytes; None when it has none or the object is gone."""
        ...

    def copy(self, source: str, target: str, version: str | None = None) -> None:
        """Without reading it, however large. Raises FileNotFoundError."""
        ...

    def list(self, prefix_uri: str, after: str | None = None) -> Iterator[ObjectInfo]:
        """Objects whose URI starts with ``prefix_uri``, by key; only those after the URI ``after``."""
        ...

    def delete(self, uri: str) -> None: ...


@dataclass(frozen=True)
class Entry:
    """One row of the ledger: a thing that was decided, chained to the row before it."""

    model: str
    seq: int
    kind: str
    subject: str
    data: Mapping[str, Any]
    at: datetime
    actor: str
    prev: str
    hash: str


@dataclass(frozen=True)
class Claim:
    """Who was first with something. ``first`` tells whether that was the caller."""

    holder: str
    at: datetime
    data: Mapping[str, Any]
    first: bool


@dataclass(frozen=True)
class Lease:
    """The right to act for a while. A higher fence is a later holder."""

    holder: str
    fence: int
    expires: datetime


class Ledger(Protocol):
    """The memory of one model: appended entries, named states, claims and leases."""

    model: str

    def append(
        self,
        kind: str,
        subject: str,
        data: Mapping[str, Any],
        at: datetime,
        actor: str,
        *,
        state: Mapping[str, Mapping[str, Any]] | None = None,
        given: Precondition | None = None,
    ) -> Entry:
        """The entry ends the chain, ``state`` in one transaction. Raises DecisionOvertaken unless ``given`` holds."""
        ...

    def entries(self, kind_prefix: str = "", subject: str | None = None) -> list[Entry]:
        """Entries in order of their sequence number."""
        ...

    def state(self, name: str) -> dict[str, Any] | None: ...

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        """``state`` answers ``value``, and no entry says so: for what can be read again where it comes from."""
        ...

    def claim(self, name: str, holder: str, at: datetime, data: Mapping[str, Any]) -> Claim:
        """The first holder's claim, whoever asks; ``first`` also for the first holder's own retry."""
        ...

    def lease(self, name: str, holder: str, at: datetime, ttl_s: float) -> Lease | None:
        """A lease for ``holder``, or None while another's has not expired at ``at``. Renewing keeps the fence."""
        ...

    def lease_holder(self, name: str) -> Lease | None: ...

    def release(self, name: str, holder: str, fence: int) -> bool:
        """True when ``holder`` with ``fence`` held the lease; another's lease is left alone."""
        ...


class Notifier(Protocol):
    """Tells people."""

    def send(
        self,
        subject: str,
        what: str,
        why: str,
        next_step: str,
        link: str | None = None,
        *,
        quotes_data: bool = False,
    ) -> None:
        """``quotes_data`` keeps ``why`` within the account, as it may hold values of rows."""
        ...


class MetricsSink(Protocol):
    """Takes measurements; the dimension Model is added by the sink."""

    def put(self, metric: Metric, value: float, **dimensions: str) -> None: ...


class EventBus(Protocol):
    """Announces what happened to whoever has a rule for it."""

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Package:
    """A version in the model registry."""

    arn: str
    group: str
    version: int
    status: str
    """PendingManualApproval, Approved or Rejected."""
    artifact_uri: str
    image_uri: str
    properties: Mapping[str, str]
    created: datetime
    modified: datetime | None = None
    approved_by: str | None = None
    """Who turned the status last, when the registry knows."""
    description: str = ""


@dataclass(frozen=True)
class Attachments:
    """Reports that a version is registered with, as S3 addresses; an empty one does not exist."""

    bias_uri: str = ""
    explainability_uri: str = ""
    baseline_uri: str = ""
    """Profile of the rows it learned from: what its data are compared with later."""
    instance_types: tuple[str, ...] = ()
    """What it may be served on."""


NOTHING_ATTACHED = Attachments()


class ModelRegistry(Protocol):
    """Versions of one model and their approval."""

    def register(
        self,
        group: str,
        *,
        artifact_uri: str,
        image_uri: str,
        evaluation_uri: str,
        properties: Mapping[str, str],
        description: str,
        environment: Mapping[str, str],
        token: str,
        attachments: Attachments = NOTHING_ATTACHED,
    ) -> Package:
        """A new version in PendingManualApproval; the same ``token`` gives the same version again."""
        ...

    def describe(self, package_arn: str) -> Package: ...

    def packages(self, group: str) -> Iterable[Package]:
        """Newest first."""
        ...

    def reject(self, package_arn: str, reason: str) -> None: ...

    def reopen(self, package_arn: str, reason: str) -> None:
        """The package is in PendingManualApproval again, so that approving it is a change."""
        ...


class Signer(Protocol):
    """Signs and verifies digests with a key that never leaves KMS."""

    def sign(self, digest: bytes) -> str:
        """Base64 of the signature over a SHA-256 digest (32 bytes)."""
        ...

    def verify(self, digest: bytes, signature: str) -> bool: ...


class Jobs(Protocol):
    """What SageMaker's jobs were asked to do, and what container images are made of."""

    def training(self, name: str) -> dict[str, Any] | None:
        """The CreateTrainingJob request of a job, with ``arn``, ``started`` and ``ended``; None when there is none."""
        ...

    def processing(self, name: str) -> dict[str, Any] | None:
        """The same of a processing job."""
        ...

    def image_digest(self, image_uri: str) -> str | None:
        """Digest (``sha256:…``) of the image behind a tag; None when its registry does not tell."""
        ...


class ModelCards(Protocol):
    """Model cards that SageMaker keeps."""

    def create(self, name: str, content: str, key_id: str, tags: Mapping[str, str]) -> str:
        """ARN of the card, in PendingReview and encrypted with the key; one that exists is left as it is."""
        ...


@dataclass(frozen=True)
class EndpointState:
    """An endpoint as SageMaker describes it."""

    name: str
    status: str
    config: str
    """Endpoint config that is live now; while an update runs, still the old one."""
    pending_config: str | None = None
    """Endpoint config that an update is moving to."""
    failure: str = ""
    modified: datetime | None = None
    """When SageMaker last changed it."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weight that is asked for, by production variant of the live config."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Instances that are asked for, by production variant of the live config; a serverless one is absent."""
    pending_share: float | None = None
    """Share of the traffic on the fleet that is coming, 0 to 1; None when none is coming."""
    baking_since: datetime | None = None
    """Since when that fleet bakes at its present share; None while it does not bake."""
    capture_percent: int | None = None
    """Share of the requests that are captured, in per cent; None when none are."""


@dataclass(frozen=True)
class Answer:
    """What came back from one request to an endpoint, errors included."""

    status: int
    """HTTP status of the model's own answer (SageMaker wraps an error of the model into 424)."""
    body: bytes
    latency_ms: float


@dataclass(frozen=True)
class Later:
    """Where the answer of an asynchronous endpoint will lie, or its failure."""

    answer_uri: str
    failure_uri: str = ""


class Endpoints(Protocol):
    """SageMaker's models, endpoint configs and endpoints. Creating what exists or deleting what is gone is no error."""

    def create_model(
        self,
        name: str,
        *,
        image_uri: str,
        artifact_uri: str,
        environment: Mapping[str, str],
        role_arn: str,
        isolated: bool,
    ) -> None:
        """``isolated`` containers have no network; serverless endpoints cannot serve those."""
        ...

    def create_config(self, request: Mapping[str, Any]) -> None:
        """``request`` as CreateEndpointConfig takes it."""
        ...

    def create(self, endpoint: str, config: str) -> None: ...

    def update(self, endpoint: str, config: str) -> None:
        """All traffic moves to ``config`` at once, with as many instances as serve now.

        Raises RolloutInProgress while another update runs.
        """
        ...

    def weigh(self, endpoint: str, weights: Mapping[str, float]) -> None:
        """Traffic is shared among the live variants by ``weights``. Raises RolloutInProgress while updating."""
        ...

    def describe(self, endpoint: str) -> EndpointState | None: ...

    def config(self, name: str) -> Mapping[str, Any] | None:
        """An endpoint config as DescribeEndpointConfig gives it, None when it is gone."""
        ...

    def model(self, name: str) -> Mapping[str, Any] | None:
        """A SageMaker model as DescribeModel gives it, None when it is gone."""
        ...

    def delete(self, endpoint: str) -> None:
        """Raises EndpointNotReady while SageMaker is still creating or updating it."""
        ...

    def delete_config(self, name: str) -> None: ...

    def delete_model(self, name: str) -> None: ...

    def invoke(
        self, endpoint: str, body: bytes, content_type: str = "application/jsonlines", inference_id: str = ""
    ) -> Answer:
        """``inference_id`` is captured with the request: by it, Trimtab's own are known (``names.SYNTHETIC``)."""
        ...

    def invoke_later(self, endpoint: str, request_uri: str, inference_id: str) -> Later:
        """An asynchronous endpoint has accepted the JSON Lines that lie at ``request_uri``."""
        ...


class Alarms(Protocol):
    """CloudWatch alarms."""

    def put(self, request: Mapping[str, Any]) -> None:
        """``request`` as PutMetricAlarm takes it."""
        ...

    def states(self, names: Iterable[str]) -> dict[str, str]:
        """State (OK, ALARM, INSUFFICIENT_DATA) by name; a name that does not exist is absent."""
        ...

    def named(self, prefix: str) -> list[str]: ...

    def ring(self, name: str, reason: str) -> None:
        """The alarm is in ALARM until its next evaluation says otherwise."""
        ...

    def watching(self, metric: str, dimensions: Mapping[str, str]) -> dict[str, str]:
        """State by name of the alarms that watch exactly this metric in the namespace Trimtab."""
        ...

    def delete(self, names: Iterable[str]) -> None: ...
