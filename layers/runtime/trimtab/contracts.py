"""What functions, state machines and stacks say to each other: events, settings and shared results."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

TRAINING_REQUESTED = "Trimtab Training Requested"
TRUTH_ACCEPTED = "Trimtab Truth Accepted"
PROMOTION_REQUESTED = "Trimtab Promotion Requested"
ROLLBACK_REQUESTED = "Trimtab Rollback Requested"
EVENT_SOURCE = "trimtab"
SPEC_PATH = "/opt/trimtab/model.json"
TEMPORARY = "_temporary"
"""Folder of the artifacts bucket whose objects expire. No model can have this name."""
LEAKAGE = "leakage: "
"""How the reason begins for which a dataset must not be used, and which a person has to look into."""
CLOSING = {"manifest": "_MANIFEST.json", "success": "_SUCCESS"}
"""Name of the object that closes a drop of many, by ``data.drop``."""
POINTER = "_LAKE.json"
"""Name of the object that points to a table in a lake, for a model with ``data.lake``."""


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_aware)]
"""A point in time, always aware and in UTC; without a zone it is read as UTC."""


class Message(BaseModel):
    """Base of everything that travels: unknown keys are ignored, so that a newer sender does no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, the form in which a state machine holds it."""
        return self.model_dump(mode="json")


class Event(Message):
    """Base of every function's event. ``at`` is the now of every decision: the event's time, not the clock's."""

    model: str
    at: Instant
    execution: str = ""
    """Name of the state machine execution; retries of one execution carry the same."""


class Settings(BaseModel):
    """Environment variables of a function: ``TRIMTAB_`` and the field's name in capitals."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str
    protected: bool = True
    """Whether the stage's state refuses deletion: there production always has instances."""
    model: str = ""
    ledger_table: str
    drops_bucket: str
    artifacts_bucket: str
    captures_bucket: str
    topic_arn: str
    spec_path: str = SPEC_PATH
    signing_key_id: str = ""
    execution_role_arn: str = ""
    serverless_role_arn: str = ""
    """Role of serverless containers, which are not isolated from the network."""
    image_uri: str = ""
    package_group: str = ""
    code_uri: str = ""
    artifacts_key_id: str = ""
    captures_key_id: str = ""
    receiver: str = ""
    """JSON of the one :class:`~trimtab.spec.receivers.Receiver` that ``notify_webhook`` tells; of no other function."""

    @classmethod
    def variable(cls, field: str) -> str:
        """Name of the environment variable that holds ``field``."""
        return f"TRIMTAB_{field.upper()}"


class DropKind(StrEnum):
    """What a dropped file is, told by its folder."""

    DATA = "data"
    TRUTH = "truth"


class Drop(Message):
    """What was dropped, identified by its content: one version of one object, or the objects that it closes."""

    id: str
    """First 16 hex digits of the content's SHA-256."""
    kind: DropKind
    bucket: str
    key: str
    version: str
    sha256: str
    size: int
    """Bytes."""
    sequencer: str = ""
    at: Instant
    parts: str = ""
    """URI of the list of its objects; empty for a drop of one object."""
    replays: str = ""
    """Execution that had refused the same content."""
    lake: str = ""
    """URI of the table in a lake that is to be judged where it lies; empty for every other drop."""

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def file_name(self) -> str:
        """What people call it: the object's name, or that of the folder that holds its objects."""
        return self.key.rsplit("/", 2)[-2] if self.parts else self.key.rsplit("/", 1)[-1]


class Period(Message):
    """From the first to the last event time, both inclusive."""

    start: Instant
    end: Instant


class Finding(Message):
    """One rule that a drop broke, in brief; the whole is in the report."""

    rule: str
    column: str | None = None
    message: str


class Validation(Message):
    """What validate_drop found."""

    verdict: Literal["accept", "accept_warn", "quarantine"]
    rows: int = 0
    period: Period | None = None
    labelled: bool = False
    report: str
    """URI of report.json; report.html lies beside it."""
    profile: str | None = None
    findings: tuple[Finding, ...] = ()


class Gate(Message):
    """One gate of the judgement, with the evidence it was decided on."""

    name: str
    outcome: Literal["pass", "refuse", "not_judged"]
    value: float | None = None
    interval: tuple[float, float] | None = None
    limit: float | None = None
    n: int | None = None
    message: str
    accepted_risk: str = ""
    """The spec's reason for passing a finding of the bias gate all the same."""


class Judgement(Message):
    """The outcome of all gates: pass only when every gate passed."""

    passed: bool
    outcome: Literal["pass", "refuse", "not_judged"]
    gates: tuple[Gate, ...]
    evaluation_uri: str
    evaluation_sha256: str = ""
    artifact_sha256: str = ""
    """Of the archive that was evaluated."""
    policy: str = ""
    """What people call the policy."""
    policy_sha256: str = ""
    report_uri: str = ""
    """The report for people."""


class Dataset(Message):
    """What build_dataset made: an immutable training set and how it came about."""

    ready: bool
    reason: str
    dataset: str = ""
    """SHA-256 of the manifest: the dataset version's name."""
    manifest_uri: str = ""
    train_uri: str = ""
    holdout_uri: str = ""
    holdout_features_uri: str = ""
    """The hold-out without labels: what the training job may see of it."""
    baseline_uri: str = ""
    rows_train: int = 0
    rows_holdout: int = 0
    champion: "Champion | None" = None


class Champion(Message):
    """The version that serves production."""

    version: int
    package_arn: str
    artifact_uri: str
    config: str = ""
    """Endpoint config that serves it."""


class Promotion(Message):
    """An approved package, checked, with all that its rollout needs."""

    outcome: Literal["Approved", "Refused", "Busy", "Pending", "Duplicate"]
    """Pending while more people have to approve; a Duplicate is an approval that another execution acts upon."""
    reason: str
    package_arn: str
    version: int = 0
    run: str = ""
    approval: str = ""
    """Id of the act that turned the package to Approved; it is acted upon once."""
    approved_by: tuple[str, ...] = ()
    """Who approved it, one name each."""
    automatic: bool = False
    """Whether that was no person, but the spec's rule (``approval.auto``)."""
    skips: tuple[str, ...] = ()
    """What the approval asked to leave out in an emergency: staging, gates."""
    skips_staging: bool = False
    artifact_uri: str = ""
    image_uri: str = ""
    evaluation_uri: str = ""
    golden_uri: str = ""
    scores_profile_uri: str = ""
    baseline_uri: str = ""
    fence: int = 0
    id: str = ""
    """Execution that promotes it: holder of the lease and subject of the ledger's entries."""
    tag: str = ""
    """First 8 hex digits of the SHA-256 of ``id``: part of the names of what the promotion makes."""
    disqualified: bool = False
    """Refused for a reason that approving again cannot mend: the package is turned to Rejected."""


class Staging(Message):
    """The staging endpoint and what it is made of."""

    endpoint: str
    config: str
    sagemaker_model: str


class Plan(Message):
    """How production will move to a new version."""

    action: Literal["create", "update"]
    endpoint: str
    config: str
    previous_config: str | None
    request: dict[str, Any]
    """The CreateEndpoint or UpdateEndpoint request, ready to be sent."""
    alarms: tuple[str, ...]
    steps: tuple[dict[str, Any], ...] = ()
    """percent, starts_s, bake_s and gate of every shift of traffic."""
    started: Instant
    deadline: Instant
    """When it has ended, one way or the other."""
    strategy: str = ""
    """canary, linear, all_at_once, rolling, stepped or shadow."""
    conducted: bool = False
    """Whether shift_traffic has its turn: for steps by weight, a shadow, or a gate before the start."""
    step_config: str = ""
    """Endpoint config in which both versions share the requests; only of steps by weight."""
    shadow_config: str = ""
    """Endpoint config in which the new version gets copies of requests; only of a shadow."""
    instances: int = 0
    """Instances that the new version will have at least; 0 when it is serverless."""


class Started(Message):
    """SageMaker's answer to the request that starts a rollout, or the error that came in its place."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    endpoint_arn: str = ""
    error: str = Field("", alias="Error")
    cause: str = Field("", alias="Cause")

    @property
    def failure(self) -> str:
        """The error in words, empty when SageMaker has answered."""
        return f"{self.error}: {self.cause}" if self.error else ""


class Rollout(Message):
    """What watch_rollout saw when the endpoint had settled."""

    settled: bool
    began: bool = True
    """False when the request to start failed and nothing shows that it took effect all the same."""
    reason: str = ""
    """Why it did not begin."""
    status: str
    live_config: str | None
    causes: tuple[str, ...] = ()
    verdict: dict[str, Any] | None = None
    """The judge's last comparison of both fleets."""


class Confirmation(Message):
    """What is served after a rollout."""

    outcome: Literal["Serving", "RolledBack"]
    reason: str
    live_config: str | None
    version: int


class Rollback(Message):
    """A return to a version that has served before."""

    outcome: Literal["Begun", "Refused"]
    reason: str
    """Why it was asked for, or why it cannot be done."""
    id: str
    """Execution that performs it: holder of the lease and subject of the ledger's entries."""
    by: str = ""
    """Who asked for it."""
    from_version: int = 0
    """The version that loses its place; 0 when none does."""
    from_package: str = ""
    to_version: int = 0
    config: str = ""
    """Endpoint config that is to serve."""
    promotion: Promotion | None = None
    """How the version that is to serve was promoted: enough to make its model and config again."""
    fence: int = 0


class BatchPlan(Message):
    """Files of records that a version is to score."""

    outcome: Literal["Planned", "Nothing", "Refused"]
    reason: str
    id: str
    """Subject of the ledger's entries about it."""
    by: str = ""
    version: int = 0
    package_arn: str = ""
    job: str = ""
    """Name of the transform job."""
    model: str = ""
    """SageMaker model that it runs."""
    objects: int = 0
    manifest_uri: str = ""
    output_uri: str = ""
    """Folder in which the scored files lie, without a slash at its end."""


class Window(Message):
    """One window of captured production traffic."""

    id: str
    uri: str
    rows: int
    start: Instant
    end: Instant
    version: int
    config: str = ""
    unreadable: int = 0
    """Captured lines that could not be read."""
    versions: dict[str, int] = Field(default_factory=dict)
    """Records by the version that answered, 0 for those of which that is not known."""


class Notice(Message):
    """A message to people: what happened, why, and what to do next."""

    subject: str = Field(max_length=100)
    what: str
    why: str
    next_step: str
    link: str | None = None
    model: str = ""
    quotes_data: bool = False
    """Whether ``why`` may quote values of data, so that it does not leave the account."""
