"""The lease on DynamoDB, with other writers in between, crashes and lost answers at every write: never two holders."""

import contextlib
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.adapters.test_ledger_table import table
from tests.fakes import NOON
from trimtab.aws.ledger_table import LedgerTable
from trimtab.contracts import Promotion
from trimtab.errors import LeaseLost
from trimtab.ports import Lease
from trimtab.rollout.queue import LEASE, ensure_lease

TTL_S = 600
ACTORS = ("ann", "bob", "cleo")
Fault = Literal["none", "crash", "lost answer"]
FAULTS = st.sampled_from(["none", "none", "crash", "lost answer"])
_models = itertools.count()


class Crash(Exception):
    """The process is gone."""


class Interrupted:
    """DynamoDB, before whose next write somebody else may act, and whose answer may never come."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.meanwhile: Callable[[], object] | None = None
        self.fault: Fault = "none"

    def get_item(self, **asked: Any) -> Any:
        """As it is."""
        return self._dynamodb.get_item(**asked)

    def put_item(self, **asked: Any) -> Any:
        """What was arranged happens once."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        fault, self.fault = self.fault, "none"
        if fault == "crash":
            raise Crash
        answer = self._dynamodb.put_item(**asked)
        if fault == "lost answer":
            raise Crash
        return answer


class Leasing(RuleBasedStateMachine):
    """Three executions that want the lease of one endpoint. ``believes`` is who was told to have it, until when."""

    dynamodb: Any

    @initialize()
    def begin(self) -> None:
        """Each with its own connection to the one table."""
        model = f"model-{next(_models)}"
        self.connections = {actor: Interrupted(self.dynamodb) for actor in ACTORS}
        self.ledgers = {actor: LedgerTable(made, "ledger", model) for actor, made in self.connections.items()}
        self.now: datetime = NOON
        self.believes: dict[str, Lease] = {}
        self.told: dict[str, Lease] = {}
        self.fences: list[tuple[int, str]] = []
        self.acted: list[int] = []

    @rule(seconds=st.sampled_from([1, 300, TTL_S + 1]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(actor=st.sampled_from(ACTORS), other=st.sampled_from([None, *ACTORS]), fault=FAULTS)
    def take(self, actor: str, other: str | None, fault: Fault) -> None:
        """Another may take it between the read and the write of the first."""
        self._arrange(actor, (lambda: self._take(other)) if other not in (None, actor) else None, fault)
        self._take(actor)

    @rule(actor=st.sampled_from(ACTORS), other=st.sampled_from([None, *ACTORS]), fault=FAULTS)
    def release(self, actor: str, other: str | None, fault: Fault) -> None:
        """By whoever was told once to have it, be it long ago."""
        if actor not in self.told:
            return
        self._arrange(actor, (lambda: self._take(other)) if other not in (None, actor) else None, fault)
        self.believes.pop(actor, None)
        with contextlib.suppress(Crash):
            self.ledgers[actor].release(LEASE, actor, self.told[actor].fence)

    @rule(actor=st.sampled_from(ACTORS))
    def act(self, actor: str) -> None:
        """A step that asks first, as every step does; whoever was overtaken writes nothing."""
        if actor not in self.told:
            return
        fence = self.told[actor].fence
        promotion = Promotion(outcome="Approved", reason="", package_arn="", id=actor, fence=fence)
        try:
            ensure_lease(self.ledgers[actor], promotion)
        except LeaseLost:
            return
        self.acted.append(fence)

    def _arrange(self, actor: str, meanwhile: Callable[[], object] | None, fault: Fault) -> None:
        self.connections[actor].meanwhile, self.connections[actor].fault = meanwhile, fault

    def _take(self, actor: str | None) -> None:
        assert actor is not None
        try:
            lease = self.ledgers[actor].lease(LEASE, actor, self.now, TTL_S)
        except Crash:
            return
        if lease is not None:
            self.believes[actor] = self.told[actor] = lease
            self.fences.append((lease.fence, actor))

    @invariant()
    def never_two_believe_to_hold_it(self) -> None:
        valid = [actor for actor, lease in getattr(self, "believes", {}).items() if lease.expires > self.now]
        assert len(valid) <= 1, valid

    @invariant()
    def a_fence_never_has_two_holders(self) -> None:
        holders: dict[int, str] = {}
        for fence, actor in getattr(self, "fences", []):
            assert holders.setdefault(fence, actor) == actor

    @invariant()
    def nobody_writes_after_a_later_holder_has_written(self) -> None:
        assert getattr(self, "acted", []) == sorted(getattr(self, "acted", []))


def test_there_are_never_two_holders(aws: None) -> None:
    Leasing.dynamodb = table()
    bounds = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(Leasing, settings=bounds)


def test_a_lease_renewed_while_another_looked_at_its_end_is_not_taken_away(aws: None) -> None:
    dynamodb = table()
    interrupted = Interrupted(dynamodb)
    ann, bob = LedgerTable(dynamodb, "ledger", "tiny"), LedgerTable(interrupted, "ledger", "tiny")
    ann.lease(LEASE, "ann", NOON, TTL_S)
    later = NOON + timedelta(seconds=TTL_S + 1)
    interrupted.meanwhile = lambda: ann.lease(LEASE, "ann", later, TTL_S)
    assert bob.lease(LEASE, "bob", later, TTL_S) is None
    held = ann.lease_holder(LEASE)
    assert held is not None
    assert held.holder == "ann"


def test_a_lease_that_was_taken_without_an_answer_is_found_by_the_retry(aws: None) -> None:
    interrupted = Interrupted(table())
    ledger = LedgerTable(interrupted, "ledger", "tiny")
    interrupted.fault = "lost answer"
    with pytest.raises(Crash):
        ledger.lease(LEASE, "ann", NOON, TTL_S)
    assert ledger.lease(LEASE, "bob", NOON, TTL_S) is None
    again = ledger.lease(LEASE, "ann", NOON, TTL_S)
    assert again is not None
    assert again.fence == 1


def test_an_error_of_another_kind_is_not_taken_for_a_lost_race(aws: None) -> None:
    ledger = LedgerTable(Interrupted(table()), "no such table", "tiny")
    with pytest.raises(ClientError):
        ledger.lease(LEASE, "ann", NOON, TTL_S)
