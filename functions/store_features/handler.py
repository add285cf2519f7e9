"""Writes rows of accepted drops into the feature group, a round at a time; called by the features machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trimtab.aws.feature_store import SageMakerFeatureStore
from trimtab.contracts import Event
from trimtab.datasets.reading import DropReader
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import LedgerConflict
from trimtab.feature_store.port import FeatureStore
from trimtab.feature_store.storing import Progress, Storing
from trimtab.spec.stored import feature_group

LEASE = "features"
LEASE_S = 900


class StoreFeaturesEvent(Event):
    """A round of storing: ``progress`` is what the round before answered."""

    progress: Progress = Progress()


@entrypoint(StoreFeaturesEvent)
def handler(event: StoreFeaturesEvent, runtime: Runtime) -> dict[str, Any]:
    """Some more rows are stored, or ``more`` is false."""
    return store(event, runtime, SageMakerFeatureStore.connect())


def store(event: StoreFeaturesEvent, runtime: Runtime, features: FeatureStore) -> dict[str, Any]:
    """Drops go in as they were accepted, so one execution at a time stores; the others wait.

    Raises LedgerConflict while another execution stores.
    """
    group = feature_group(runtime.names.prefix, runtime.spec)
    reader = DropReader(runtime.objects, runtime.spec.data)
    storing = Storing(runtime.spec, runtime.ledger, features, reader.read, group)
    with _alone(event, runtime):
        return storing.advance(event.progress, event.at).to_json()


@contextmanager
def _alone(event: StoreFeaturesEvent, runtime: Runtime) -> Iterator[None]:
    """Nobody else stores meanwhile. Only a function that is killed keeps its lease, until that ends."""
    lease = runtime.ledger.lease(LEASE, event.execution, event.at, LEASE_S)
    if lease is None:
        raise LedgerConflict("another execution stores features; it is waited for")
    try:
        yield
    finally:
        runtime.ledger.release(LEASE, event.execution, lease.fence)
