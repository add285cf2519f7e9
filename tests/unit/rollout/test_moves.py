"""Steps by weight and shadows: whatever is repeated, lost or killed, the end is all traffic on one version."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.endpoint_fakes import MemoryEndpoints
from tests.fakes import NOON, MemoryLedger, RecordingNotifier
from trimtab.contracts import Plan, Promotion
from trimtab.errors import RolloutInProgress
from trimtab.ledger.kinds import ROLLOUT_RELEASED
from trimtab.names import ModelNames
from trimtab.ports import EndpointState
from trimtab.rollout.conducting import Conductor
from trimtab.rollout.course import Course
from trimtab.rollout.moves import Move, Position, Sight, next_move
from trimtab.rollout.planning import plan_of
from trimtab.rollout.queue import LEASE
from trimtab.spec.rollout import RolloutSpec

OLD, ENDPOINT = "trimtab-test-tiny-v1-00000000", "trimtab-test-tiny"
Verdict = str


class KilledError(Exception):
    """Raised where a crash is injected."""


@dataclass
class Killing(MemoryEndpoints):
    """Endpoints whose answers are lost: the act happens, or not, and whoever asked dies."""

    fates: list[str] = field(default_factory=list)

    def _fate(self) -> str:
        return self.fates.pop(0) if self.fates else "answered"

    def update(self, endpoint: str, config: str) -> None:
        fate = self._fate()
        if fate != "never arrived":
            super().update(endpoint, config)
        if fate != "answered":
            raise KilledError

    def weigh(self, endpoint: str, weights: Any) -> None:
        fate = self._fate()
        if fate != "never arrived":
            super().weigh(endpoint, weights)
        if fate != "answered":
            raise KilledError


@dataclass
class Journey:
    """A rollout that is looked at until it ends."""

    rollout: RolloutSpec
    fates: list[str] = field(default_factory=list)
    now: datetime = NOON
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    shares: list[float] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoints = Killing(fates=list(self.fates))
        lease = self.ledger.lease(LEASE, "run", NOON, 1e9)
        assert lease is not None
        found = {
            "outcome": "Approved",
            "reason": "",
            "package_arn": "p",
            "version": 2,
            "id": "run",
            "fence": lease.fence,
        }
        self.promotion = Promotion.model_validate(found | {"tag": "1a2b3c4d"})
        live = EndpointState(ENDPOINT, "InService", OLD, weights={"main": 1.0}, counts={"main": 2})
        self.plan: Plan = plan_of(self.promotion, ModelNames("test", "tiny"), self.rollout, live, NOON)
        self.endpoints.endpoints[ENDPOINT] = live
        both = [{"VariantName": "main", "InitialVariantWeight": 1.0}]
        newcomer = [{"VariantName": "challenger", "InitialVariantWeight": 0.0}]
        for config in (OLD, self.plan.config, self.plan.shadow_config):
            self.endpoints.configs[config] = {"ProductionVariants": both}
        self.endpoints.configs[self.plan.step_config] = {"ProductionVariants": both + newcomer}

    @property
    def live(self) -> EndpointState:
        return self.endpoints.endpoints[ENDPOINT]

    def look(self, verdict: Verdict = "pass", against: tuple[str, ...] = ()) -> Move | None:
        """One look of a function that may die; None when it did."""
        against = (*against, "worse") if verdict == "fail" else against
        sight = Sight(self.now, against, verdict, "as the test says")  # type: ignore[arg-type]
        course = Course.read(self.ledger, "run")
        position = Position(self.live, self.plan, self.rollout, course, sight)
        try:
            move = Conductor(self.promotion, self.plan, self.endpoints, self.ledger, self.notifier, self.now).perform(
                position
            )
        except (KilledError, RolloutInProgress):
            return None
        self.moves.append(move)
        return move

    def pass_time(self, minutes: float = 4) -> None:
        """SageMaker has done what it was asked."""
        self.now += timedelta(minutes=minutes)
        if self.live.status == "Updating":
            self.endpoints.settle(ENDPOINT)
        total = sum(self.live.weights.values())
        self.shares.append(self.live.weights.get("challenger", 0) / total if total else 0)

    def to_the_end(self, verdicts: list[Verdict], minutes: float = 4) -> Move:
        """The last move; ``verdicts`` are those of the looks in order, the last one from then on."""
        for number in range(500):
            move = self.look(verdicts[min(number, len(verdicts) - 1)])
            if move and move.act in ("end", "hand_over"):
                return move
            self.pass_time(minutes)
        raise AssertionError(f"no end after 500 looks; the last were {self.moves[-3:]}")


weights = st.lists(st.integers(1, 99), max_size=6, unique=True).map(lambda found: (*sorted(found), 100))
fates = st.lists(st.sampled_from(["answered", "never arrived", "answer lost"]), max_size=12)
LOST_TWICE = st.lists(st.sampled_from(["answered", "answer lost"]), max_size=12)


@given(weights, fates, st.floats(1, 30))
def test_the_end_is_all_traffic_on_the_new_version_or_on_the_old_one(
    steps: tuple[int, ...], fates: list[str], minutes: float
) -> None:
    journey = Journey(RolloutSpec(strategy="stepped", steps=steps), fates)
    journey.to_the_end(["pass"], minutes)
    assert journey.live.config in (OLD, journey.plan.config)
    assert journey.live.status == "InService"
    assert set(journey.live.weights) == {"main"}
    went_back = bool(Course.read(journey.ledger, "run").reasons)
    assert went_back == (journey.live.config == OLD)


@given(weights, LOST_TWICE)
def test_answers_that_are_lost_change_neither_the_steps_nor_their_order(
    steps: tuple[int, ...], fates: list[str]
) -> None:
    journey = Journey(RolloutSpec(strategy="stepped", steps=steps), fates)
    journey.to_the_end(["pass"])
    assert journey.live.config == journey.plan.config
    shifted = [entry.data["percent"] for entry in journey.ledger.entries("rollout.shifted")]
    assert shifted == list(steps)
    assert journey.shares == sorted(journey.shares, key=lambda share: share or 0) or journey.shares[-1] == 0


@given(weights, fates, st.integers(0, 60))
def test_a_bad_verdict_at_any_look_ends_on_the_old_version_unless_all_had_moved(
    steps: tuple[int, ...], fates: list[str], when: int
) -> None:
    journey = Journey(RolloutSpec(strategy="stepped", steps=steps), fates)
    journey.to_the_end(["pass"] * when + ["fail"])
    seen_bad = len(journey.shares) >= when
    if seen_bad and Course.read(journey.ledger, "run").reasons:
        assert journey.live.config == OLD
    assert journey.live.config in (OLD, journey.plan.config)


@given(weights, st.integers(1, 40))
def test_no_step_is_left_before_its_bake_is_over(steps: tuple[int, ...], bake: int) -> None:
    journey = Journey(RolloutSpec(strategy="stepped", steps=steps, bake_minutes=bake))
    journey.to_the_end(["pass"], minutes=1)
    times = [entry.at for entry in journey.ledger.entries("rollout.shifted")]
    for before, after in pairwise(times):
        assert after - before >= timedelta(minutes=bake)


def stepped(**more: Any) -> RolloutSpec:
    return RolloutSpec.model_validate({"strategy": "stepped", "steps": [5, 100], "hold_minutes": 30} | more)


def test_want_of_a_verdict_holds_and_then_goes_back() -> None:
    journey = Journey(stepped())
    journey.to_the_end(["inconclusive"], minutes=2)
    assert journey.live.config == OLD
    (held,) = journey.ledger.entries("rollout.held")
    assert held.data["why"] == "inconclusive"
    assert "no verdict within 30 minutes" in Course.read(journey.ledger, "run").reasons[0]
    assert [entry.data["percent"] for entry in journey.ledger.entries("rollout.shifted")] == [5]


def test_traffic_is_off_the_new_version_before_the_old_config_is_put_back() -> None:
    journey = Journey(stepped())
    while not journey.ledger.entries("rollout.shifted"):
        journey.look()
        journey.pass_time()
    move = journey.look("fail")
    assert move is not None
    assert (move.act, move.percent) == ("weigh", 0)
    assert journey.live.weights == {"main": 100.0, "challenger": 0.0}


@pytest.mark.parametrize("released", [True, False])
def test_a_gate_waits_for_a_person_and_not_for_ever(released: bool) -> None:
    journey = Journey(stepped(steps=[{"percent": 5, "gate": "manual"}, 100], gate_hours=2))
    for _ in range(20):
        journey.look()
        journey.pass_time()
    assert [entry.data["percent"] for entry in journey.ledger.entries("rollout.shifted")] == [5]
    (held,) = journey.ledger.entries("rollout.held")
    assert (held.data["why"], held.data["step"]) == ("gate", 1)
    assert [notice["subject"] for notice in journey.notifier.sent] == ["rollout of version 2 is held"]
    if released:
        journey.ledger.append(
            ROLLOUT_RELEASED, "run", {"step": 1, "by": "ada", "reason": "looks good"}, journey.now, "ada"
        )
    journey.to_the_end(["pass"], minutes=10)
    assert journey.live.config == (journey.plan.config if released else OLD)


def test_a_bad_verdict_at_a_gate_goes_back_although_nobody_came() -> None:
    journey = Journey(stepped(steps=[{"percent": 5, "gate": "manual"}, 100]))
    journey.to_the_end(["pass"] * 12 + ["fail"])
    assert journey.live.config == OLD


def test_a_gate_before_the_start_is_held_on_the_old_config() -> None:
    journey = Journey(RolloutSpec(gate="manual", gate_hours=1))
    move = journey.look()
    assert move is not None
    assert (move.act, move.step) == ("hold", 0)
    journey.ledger.append(ROLLOUT_RELEASED, "run", {"step": 0, "by": "ada", "reason": "go"}, journey.now, "ada")
    assert journey.to_the_end(["pass"]).act == "hand_over"
    assert journey.live.config == OLD


def test_a_shadow_serves_nobody_and_is_left_before_traffic_moves() -> None:
    journey = Journey(RolloutSpec(strategy="shadow", shadow={"minutes": 20, "then": "canary"}))
    assert journey.to_the_end(["pass"]).act == "hand_over"
    assert journey.live.config == OLD
    assert set(journey.shares) == {0}
    assert len(journey.ledger.entries("rollout.shadowed")) == 1


def test_a_shadow_that_is_worse_goes_back_and_nothing_follows() -> None:
    journey = Journey(RolloutSpec(strategy="shadow", shadow={"minutes": 20, "then": "stepped"}))
    assert journey.to_the_end(["pass", "pass", "pass", "fail"]).act == "end"
    assert journey.live.config == OLD
    assert journey.ledger.entries("rollout.shadowed") == []


def test_steps_after_a_shadow_begin_from_the_old_config() -> None:
    journey = Journey(RolloutSpec(strategy="shadow", shadow={"minutes": 20, "then": "stepped"}, steps=[10, 100]))
    journey.to_the_end(["pass"])
    assert journey.live.config == journey.plan.config
    assert [entry.data["percent"] for entry in journey.ledger.entries("rollout.shifted")] == [0, 10, 100]


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed", "OutOfService"])
def test_an_endpoint_that_a_person_has_to_help_is_left_alone(status: str) -> None:
    journey = Journey(stepped())
    journey.endpoints.endpoints[ENDPOINT] = replace(journey.live, status=status)
    move = journey.look()
    assert move is not None
    assert move.act == "end"


def test_a_config_of_somebody_elses_is_left_alone() -> None:
    journey = Journey(stepped())
    journey.endpoints.endpoints[ENDPOINT] = replace(journey.live, config="by-hand")
    position = Position(journey.live, journey.plan, journey.rollout, Course(()), Sight(NOON))
    assert next_move(position).act == "end"


def test_weights_that_somebody_changed_are_put_back_to_those_of_the_step() -> None:
    journey = Journey(stepped())
    while not journey.ledger.entries("rollout.shifted"):
        journey.look()
        journey.pass_time()
    live = replace(journey.live, weights={"main": 40.0, "challenger": 60.0})
    journey.endpoints.endpoints[ENDPOINT] = live
    move = journey.look()
    assert move is not None
    assert (move.act, move.percent) == ("weigh", 5)


def test_an_old_config_that_sagemaker_cannot_start_again_ends_the_rollout_with_no_traffic_on_the_new_version() -> None:
    """As when the key of the artifacts is disabled: nothing new starts, and what runs goes on running."""
    journey = Journey(stepped())
    while not journey.ledger.entries("rollout.shifted"):
        journey.look()
        journey.pass_time()
    moves = [journey.look("fail")]
    journey.pass_time()
    while (move := journey.look("fail")) is None or move.act != "end":
        moves.append(move)
        if journey.live.status == "Updating":
            journey.endpoints.roll_back(ENDPOINT, "AccessDenied")
        journey.now += timedelta(minutes=5)
        assert len(moves) < 50
    assert [move.act for move in moves if move][:2] == ["weigh", "update"]
    assert journey.live.weights == {"main": 100.0, "challenger": 0.0}
    assert f"has not kept {OLD} for 60 minutes (AccessDenied)" in move.why
    assert f"--endpoint-config-name {OLD}" in move.why


def test_a_config_that_sagemaker_does_not_keep_is_asked_for_three_times() -> None:
    journey = Journey(stepped())
    for _ in range(12):
        move = journey.look()
        if move and move.act == "end":
            break
        if journey.live.status == "Updating":
            journey.endpoints.roll_back(ENDPOINT, "no capacity")
        journey.now += timedelta(minutes=5)
    assert len(journey.ledger.entries("rollout.entered")) == 3
    assert Course.read(journey.ledger, "run").reasons == (
        f"SageMaker did not keep {journey.plan.step_config}: no capacity",
    )
