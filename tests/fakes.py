"""Fakes that keep the ports' promises in memory; tests/adapters runs the same contract tests on them and on AWS's."""

import base64
import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from aws_lambda_powertools import Logger

from trimtab.contracts import Settings
from trimtab.entrypoint import Runtime
from trimtab.ledger import ensure_holds, next_entry
from trimtab.ledger.kinds import KINDS
from trimtab.ports import (
    NOTHING_ATTACHED,
    Attachments,
    Claim,
    Entry,
    Lease,
    ObjectInfo,
    Package,
)
from trimtab.precondition import Precondition
from trimtab.rollout.votes import Caller, StatusChange
from trimtab.spec import Spec
from trimtab.telemetry import Metric

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ANN, MACHINE = "arn:aws:iam::123456789012:user/ann", "arn:aws:sts::123456789012:assumed-role/trimtab-machine/step"


class MemoryObjects:
    """A versioned bucket of everything."""

    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[str, bytes | None]]] = {}
        self._count = itertools.count(1)
        self.hashed_by_the_store: set[str] = set()

    def write(self, uri: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        self._versions.setdefault(uri, []).append((f"v{next(self._count)}", body))

    def read(self, uri: str, version: str | None = None) -> bytes:
        body = self._find(uri, version)
        if body is None:
            raise FileNotFoundError(f"{uri} version {version or 'newest'} does not exist")
        return body

    def _find(self, uri: str, version: str | None) -> bytes | None:
        versions = self._versions.get(uri, [])
        if version is None:
            return versions[-1][1] if versions else None
        return dict(versions).get(version)

    def open(self, uri: str, version: str | None = None) -> BinaryIO:
        return io.BytesIO(self.read(uri, version))

    def upload(self, uri: str, path: Path) -> None:
        self.write(uri, path.read_bytes())

    def download(self, uri: str, path: Path, version: str | None = None) -> None:
        path.write_bytes(self.read(uri, version))

    def head(self, uri: str, version: str | None = None) -> ObjectInfo | None:
        body = self._find(uri, version)
        if body is None:
            return None
        return ObjectInfo(uri, len(body), NOON, version or self._versions[uri][-1][0])

    def sha256(self, uri: str, version: str | None = None) -> str | None:
        body = self._find(uri, version)
        return hashlib.sha256(body).hexdigest() if body is not None and uri in self.hashed_by_the_store else None

    def copy(self, source: str, target: str, version: str | None = None) -> None:
        self.write(target, self.read(source, version))

    def list(self, prefix_uri: str, after: str | None = None) -> Iterator[ObjectInfo]:
        for uri in sorted(self._versions):
            if uri.startswith(prefix_uri) and (after is None or uri > after) and (info := self.head(uri)):
                yield info

    def delete(self, uri: str) -> None:
        if uri in self._versions:
            self._versions[uri].append((f"v{next(self._count)}", None))


@dataclass
class MemoryLedger:
    """A ledger that forgets at the end of the test."""

    model: str = "tiny"
    rows: list[Entry] = field(default_factory=list)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)

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
        if given:
            ensure_holds(given, self.rows)
        assert kind in KINDS, f"'{kind}' is no kind of trimtab.ledger.kinds"
        head = (self.rows[-1].seq, self.rows[-1].hash) if self.rows else None
        entry = next_entry(self.model, head, kind, subject, data, at, actor)
        self.rows.append(entry)
        self.states |= {name: dict(value) for name, value in (state or {}).items()}
        return entry

    def entries(self, kind_prefix: str = "", subject: str | None = None) -> list[Entry]:
        return [e for e in self.rows if e.kind.startswith(kind_prefix) and subject in (None, e.subject)]

    def state(self, name: str) -> dict[str, Any] | None:
        return self.states.get(name)

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        self.states[name] = dict(value)

    def claim(self, name: str, holder: str, at: datetime, data: Mapping[str, Any]) -> Claim:
        found = self.claims.setdefault(name, Claim(holder, at, dict(data), first=True))
        return Claim(found.holder, found.at, found.data, first=found.holder == holder)

    def lease(self, name: str, holder: str, at: datetime, ttl_s: float) -> Lease | None:
        held = self.leases.get(name)
        if held and held.holder not in ("", holder) and held.expires > at:
            return None
        fence = 1 if held is None else held.fence + (held.holder != holder)
        self.leases[name] = Lease(holder, fence, at + timedelta(seconds=ttl_s))
        return self.leases[name]

    def lease_holder(self, name: str) -> Lease | None:
        held = self.leases.get(name)
        return held if held and held.holder else None

    def release(self, name: str, holder: str, fence: int) -> bool:
        held = self.leases.get(name)
        if held is None or (held.holder, held.fence) != (holder, fence):
            return False
        self.leases[name] = Lease("", fence, datetime.fromtimestamp(0, UTC))
        return True


@dataclass
class RecordingNotifier:
    sent: list[dict[str, Any]] = field(default_factory=list)
    quoting: list[bool] = field(default_factory=list)
    """Of each whether its reason may quote data."""

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
        self.sent.append({"subject": subject, "what": what, "why": why, "next_step": next_step, "link": link})
        self.quoting.append(quotes_data)


@dataclass
class RecordingMetrics:
    points: list[tuple[Metric, float, dict[str, str]]] = field(default_factory=list)

    def put(self, metric: Metric, value: float, **dimensions: str) -> None:
        self.points.append((metric, value, dimensions))


@dataclass
class RecordingEvents:
    put_events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def put(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        self.put_events.append((detail_type, dict(detail)))


@dataclass
class MemoryRegistry:
    """Packages of any group; a test turns their status."""

    held: dict[str, Package] = field(default_factory=dict)
    attached: dict[str, Attachments] = field(default_factory=dict)
    trail: dict[str, list[StatusChange]] = field(default_factory=dict)

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
        for package in self.packages(group):
            if package.properties["token"] == token:
                return package
        version = 1 + max((package.version for package in self.packages(group)), default=0)
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{group}/{version}"
        properties = {**properties, "token": token}
        self.attached[arn] = attachments
        made = Package(arn, group, version, "PendingManualApproval", artifact_uri, image_uri, properties, NOON)
        return self.put(replace(made, description=description))

    def put(self, package: Package) -> Package:
        self.held[package.arn] = package
        return package

    def approve(self, arn: str, by: str | None = None, **act: Any) -> Package:
        """Turned by a person, whom the trail knows and the registry only when named."""
        self._turned(arn, "Approved", Caller(by or ANN), **act)
        return self.put(replace(self.held[arn], status="Approved", approved_by=by))

    def _turned(self, arn: str, status: str, by: Caller, **act: Any) -> None:
        number = sum(len(changes) for changes in self.trail.values()) + 1
        change = StatusChange(f"event-{number}", status, by, **({"at": self.held[arn].created} | act))
        self.trail.setdefault(arn, []).append(change)

    def changes(self, package: Package, at: datetime) -> list[StatusChange]:
        """The registry's own audit trail."""
        return list(self.trail.get(package.arn, []))

    def describe(self, package_arn: str) -> Package:
        return self.held[package_arn]

    def packages(self, group: str) -> list[Package]:
        return sorted((p for p in self.held.values() if p.group == group), key=lambda p: -p.version)

    def reject(self, package_arn: str, reason: str) -> None:
        self._turned(package_arn, "Rejected", Caller(MACHINE), reason=reason)
        self.put(replace(self.held[package_arn], status="Rejected", description=reason))

    def reopen(self, package_arn: str, reason: str) -> None:
        self._turned(package_arn, "PendingManualApproval", Caller(MACHINE), reason=reason)
        self.put(replace(self.held[package_arn], status="PendingManualApproval", description=reason))


class HashSigner:
    """Signs with a key that everybody could know."""

    def sign(self, digest: bytes) -> str:
        return base64.b64encode(hashlib.sha256(b"key" + digest).digest()).decode()

    def verify(self, digest: bytes, signature: str) -> bool:
        return signature == self.sign(digest)


@dataclass
class MemoryAlarms:
    """Alarms that ring when a test says so."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)

    def put(self, request: Mapping[str, Any]) -> None:
        self.requests[request["AlarmName"]] = dict(request)
        self.state.setdefault(request["AlarmName"], "INSUFFICIENT_DATA")

    def states(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self.state[name] for name in names if name in self.requests}

    def named(self, prefix: str) -> list[str]:
        return sorted(name for name in self.requests if name.startswith(prefix))

    def ring(self, name: str, reason: str) -> None:
        assert name in self.requests, "CloudWatch refuses the state of an unknown alarm"
        self.state[name] = "ALARM"

    def watching(self, metric: str, dimensions: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for name, request in self.requests.items():
            watched = {each["Name"]: each["Value"] for each in request.get("Dimensions", [])}
            if request.get("Namespace") == "Trimtab" and request["MetricName"] == metric and watched == dimensions:
                found[name] = self.state[name]
        return found

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self.requests.pop(name, None)
            self.state.pop(name, None)


TINY_SETTINGS = Settings(
    stage="test",
    model="tiny",
    ledger_table="ledger",
    drops_bucket="drops",
    artifacts_bucket="artifacts",
    captures_bucket="captures",
    topic_arn="arn:aws:sns:us-east-1:123456789012:topic",
    signing_key_id="alias/signing",
    execution_role_arn="arn:aws:iam::123456789012:role/jobs",
    image_uri="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
    package_group="trimtab-test-tiny",
    code_uri="s3://assets/code.tar.gz",
)


def fake_runtime(spec: Spec, **overrides: Any) -> Runtime:
    """A runtime for ``spec`` with all ports in memory; any of them can be given."""
    parts: dict[str, Any] = {
        "settings": TINY_SETTINGS.model_copy(update={"model": spec.name, "package_group": f"trimtab-test-{spec.name}"}),
        "model": spec.name,
        "objects": MemoryObjects(),
        "ledger": MemoryLedger(spec.name),
        "notifier": RecordingNotifier(),
        "metrics": RecordingMetrics(),
        "events": RecordingEvents(),
        "logger": Logger(service="test"),
    }
    runtime = Runtime(**(parts | overrides))
    runtime.__dict__["spec"] = spec
    return runtime
