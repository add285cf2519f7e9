"""The Cloud object: what every service of the local cloud is given when it is installed."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol

from localcloud.clients import Clients
from localcloud.clock import Clock
from localcloud.durability.durable import Durable
from localcloud.faults import Faults
from localcloud.locks import Locks
from localcloud.patches import Patches
from localcloud.processes import Processes
from localcloud.toolchain import Toolchain

_KEPT_DENIALS = 200

AdminRoute = Callable[[str, dict[str, Any]], Any]


class Emit(Protocol):
    """Puts an event of an AWS service on the default bus; `time` is virtual epoch seconds, default now."""

    def __call__(
        self,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        *,
        region: str | None = None,
        time: float | None = None,
    ) -> None: ...


class PutMetrics(Protocol):
    """Records MetricData as PutMetricData takes it; Timestamp is virtual epoch seconds, default now."""

    def __call__(self, namespace: str, data: list[dict[str, Any]], *, region: str | None = None) -> None: ...


class WriteLogs(Protocol):
    """Writes (real epoch milliseconds, message) to a log stream, which is created when it does not exist."""

    def __call__(
        self, group: str, stream: str, events: list[tuple[int, str]], *, region: str | None = None
    ) -> None: ...


class Permits(Protocol):
    """Whether a role may do something that a service does in its name without a request, as writing its logs.

    A denial is written down like every other.
    """

    def __call__(
        self, role_arn: str, action: str, resource: str, context: dict[str, tuple[str, ...]] | None = None
    ) -> bool: ...


def _set_by(service: str, name: str) -> Callable[..., Any]:
    def unset(*_args: Any, **_keywords: Any) -> NoReturn:
        raise RuntimeError(f"cloud.{name} was called before {service}.install() set it")

    return unset


@dataclass
class Cloud:
    """One running local cloud. `admin_routes` maps a path below /_local/ to `route(method, body) -> JSON value`;
    requests to `unsigned_paths` need no signature; `denied` holds the latest denials of IAM."""

    port: int
    state_dir: Path
    clock: Clock
    toolchain: Toolchain
    processes: Processes
    clients: Clients
    patches: Patches
    durable: Durable
    locks: Locks = field(default_factory=Locks)
    account: str = "123456789012"
    region: str = "us-east-1"
    faults: Faults = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    notes: list[str] = field(default_factory=list)
    denied: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=_KEPT_DENIALS))
    unsigned_paths: set[str] = field(default_factory=set)
    admin_routes: dict[str, AdminRoute] = field(default_factory=dict)
    authorization: Any = None
    permits: Permits = field(default=_set_by("iam", "permits"))
    emit: Emit = field(default=_set_by("eventbridge", "emit"))
    put_metrics: PutMetrics = field(default=_set_by("cloudwatch", "put_metrics"))
    write_logs: WriteLogs = field(default=_set_by("cloudwatch", "write_logs"))

    def __post_init__(self) -> None:
        self.faults = Faults(self.clock)

    @property
    def endpoint(self) -> str:
        """The address that clients use."""
        return f"http://127.0.0.1:{self.port}"
