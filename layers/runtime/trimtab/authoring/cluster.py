"""Several hosts that train one XGBoost model together, by the settings of the job alone.

``fit`` runs on every host. Inside ``cluster()`` XGBoost's collective is up: each host trains on its own ``shard`` of
the rows, the histograms are summed over the hosts, and every host ends with the same model. SageMaker keeps what the
first host stores.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

PORT = 9099
_PATIENCE_S = 300


@dataclass(frozen=True)
class Cluster:
    """The hosts of a training job."""

    hosts: tuple[str, ...]
    here: str

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "Cluster":
        """The hosts that the training toolkit names; one host where there is no toolkit."""
        hosts = tuple(sorted(json.loads(environment.get("SM_HOSTS", '["localhost"]'))))
        return cls(hosts, environment.get("SM_CURRENT_HOST", hosts[0]))

    @property
    def is_first(self) -> bool:
        """Whether this host's model is the one that is kept."""
        return self.here == self.hosts[0]

    @property
    def rank(self) -> int:
        return self.hosts.index(self.here)

    def shard(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """Every n-th row: together the hosts' shards are the table, and each has a mixture of all times."""
        return table.iloc[self.rank :: len(self.hosts)]


@contextmanager
def cluster(environment: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """XGBoost trains over all hosts of the job within the block; over this one alone when there is no other.

    The first host runs the tracker. Raises TimeoutError when the hosts do not find each other within five minutes.
    """
    made = Cluster.of_environment(os.environ if environment is None else environment)
    if len(made.hosts) == 1:
        yield made
        return
    from xgboost import collective

    tracker = _start_tracker(made) if made.is_first else None
    address = _address(made.hosts[0])
    _await(address)
    with collective.CommunicatorContext(dmlc_tracker_uri=address, dmlc_tracker_port=PORT, dmlc_task_id=made.here):
        yield made
    if tracker:
        tracker.join(_PATIENCE_S)


def _start_tracker(made: Cluster) -> threading.Thread:
    from xgboost.tracker import RabitTracker

    tracker = RabitTracker(n_workers=len(made.hosts), host_ip=_address(made.here), port=PORT, sortby="task")
    tracker.start()
    waiting = threading.Thread(target=tracker.wait_for, args=(_PATIENCE_S * 24,), daemon=True, name="tracker")
    waiting.start()
    return waiting


def _address(host: str) -> str:
    """SageMaker's hosts learn each other's names a little after they start."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return socket.gethostbyname(host)
        except socket.gaierror as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the host {host} was not found within {_PATIENCE_S} seconds") from error
            time.sleep(0.5)


def _await(address: str) -> None:
    """The tracker listens."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address, PORT), timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"no tracker answered at {address}:{PORT} within {_PATIENCE_S} seconds")


def booster_settings(seed: int, **own: Any) -> dict[str, Any]:
    """Parameters that make XGBoost give the same trees again: seed, and the deterministic histogram method."""
    return {"seed": seed, "tree_method": "hist", "verbosity": 1, **own}
