"""Alarms that flap, events that come twice, late or not at all, clocks that jump, trainings that always fail: a model
is trained no more often than its budgets say, every alarm is answered once, and nothing waits for ever."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.decide_retrain.handler import DecideRetrainEvent, decide_once
from tests.unit.functions.alarmed import Descriptions
from tests.unit.recovery.storm import ALARMS, Model, busiest
from trimtab.entrypoint import Runtime
from trimtab.ledger.kinds import RETRAIN_GIVEN_UP, RETRAIN_REQUESTED
from trimtab.recovery.history import DECISIONS
from trimtab.spec.retraining import BackoffSpec, RetrainingSpec

DAY, MONTH = timedelta(days=1), timedelta(days=30)
WILD = RetrainingSpec(
    triggers=("drift", "quality", "truth"), cooldown_hours=0, daily_budget=4, monthly_budget=9, give_up_after=None
)


def test_three_models_whose_alarms_flap_each_minute_for_a_day_keep_their_budgets() -> None:
    policies = {
        "gives up": WILD.model_copy(update={"give_up_after": 3}),
        "backs off": WILD.model_copy(update={"cooldown_hours": 1, "backoff": BackoffSpec(factor=3, max_hours=12)}),
        "never gives up": WILD,
    }
    models = {name: Model(policy) for name, policy in policies.items()}
    for minute in range(24 * 60):
        for model in models.values():
            model.alarm(list(ALARMS)[minute % 3])
            model.truth() if minute % 7 == 0 else None
            model.pass_time(1)
    assert {name: len(model.starts) for name, model in models.items()} == {
        "gives up": 3,
        "backs off": 4,  # after 0, 1, 1 + 3 and 4 + 9 hours
        "never gives up": 4,
    }
    for name, model in models.items():
        assert list(model.unaccounted()) == [], name
        rows = [entry for entry in model.ledger.rows if entry.kind in DECISIONS]
        assert len(rows) < 150, f"{name}: 1,440 alarms are folded by their answers"
    assert len(models["gives up"].ledger.entries(RETRAIN_GIVEN_UP)) == 1
    assert len([sent for sent in models["gives up"].notifier.sent if "given up" in sent["subject"]]) == 1


Act = tuple[str, int]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["Drift", "Quality", "Slice", "again", "late", "truth", "look", "schedule", "OK", "ALARM"]),
        st.integers(-90, 400),
    ),
    min_size=5,
    max_size=60,
)


def perform(model: Model, act: str, delivered: list[tuple[str, Any]]) -> None:
    """One thing that happens."""
    if act in ALARMS:
        delivered.append((act, model.now))
        model.alarm(act)
    elif act == "again" and delivered:
        model.ask("alarm", *delivered[-1])
    elif act == "late":
        model.alarm("Quality", model.now - timedelta(minutes=37))
    elif act == "truth":
        model.truth()
        model.ask("truth")
    elif act in ("look", "schedule"):
        model.ask(act)
    elif act in ("OK", "ALARM"):
        model.alarms.state["Quality"] = act


@settings(max_examples=150, deadline=None)
@given(ACTS, st.sampled_from(["Failed", "Refused", "Registered"]), st.sampled_from([0, 2]), st.sampled_from([None, 3]))
def test_whatever_comes_in_whatever_order_starts_stay_within_every_budget_and_every_alarm_is_answered(
    acts: list[Act], outcome: str, cooldown: int, give_up: int | None
) -> None:
    policy = WILD.model_copy(update={"cooldown_hours": cooldown, "daily_budget": 2, "give_up_after": give_up})
    model, delivered = Model(policy, outcome), list[tuple[str, Any]]()
    for act, minutes in acts:
        perform(model, act, delivered)
        model.pass_time(minutes)
    assert busiest(model.starts, DAY) <= policy.daily_budget
    assert busiest(model.starts, MONTH) <= policy.monthly_budget
    assert list(model.unaccounted()) == []
    nothing_waits_for_ever(model)


def nothing_waits_for_ever(model: Model) -> None:
    """Once the storm is over, looks alone bring every request to its end, or a person has been asked."""
    model.truth()
    for _ in range(70):
        model.pass_time(max(0, (max([model.now, *model.starts]) - model.now).total_seconds() / 60) + 24 * 60)
        model.ask("look")
        if not model.waiting:
            return
        model.truth()
    assert model.ledger.entries(RETRAIN_GIVEN_UP), model.waiting
    assert model.ask("resumed")["start"]
    assert not model.waiting


class Killed(Exception):
    """The function's process is gone."""


@dataclass
class Mortal:
    """A port; the call with the number ``fatal`` of all ports together kills, before or after it has taken effect."""

    port: Any
    calls: list[str]
    fatal: int
    after: bool

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.port, name)
        return self._mortal(name, found) if callable(found) else found

    def _mortal(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            self.calls.append(name)
            dies = len(self.calls) == self.fatal
            if dies and not self.after:
                raise Killed(name)
            answer = call(*args, **named)
            if dies:
                raise Killed(name)
            return answer

        return called


def mortal(model: Model, fatal: int, *, after: bool) -> tuple[Runtime, Any, list[str]]:
    runtime, calls = model.runtime, list[str]()
    ports = {name: Mortal(getattr(runtime, name), calls, fatal, after) for name in ("ledger", "notifier", "metrics")}
    spec = runtime.spec
    made = Runtime(**{f: getattr(runtime, f) for f in Runtime.__dataclass_fields__} | ports)
    made.__dict__["spec"] = spec
    return made, Mortal(model.alarms, calls, fatal, after), calls


def scene(name: str) -> tuple[Model, dict[str, str]]:
    """A model in which many things are to be written down at once, and what happens then."""
    model = Model(WILD.model_copy(update={"give_up_after": 1 if name == "gives up" else None}))
    model.alarm("Drift")
    model.pass_time(10)
    model.alarm("Quality")
    model.alarm("Drift")
    model.alarms.state["Drift"] = "OK"
    model.truth()
    if name == "resumes":
        model.policy = model.policy.model_copy(update={"give_up_after": 1})
    model.now += timedelta(minutes=30)
    run, fence, _ = model.training or ("", 0, model.now)
    model.ledger.release("training", run, fence)
    model.ledger.append("training.released", run, {"outcome": "Failed"}, model.now, "test")
    cause = {"starts": "look", "gives up": "alarm", "resumes": "resumed"}[name]
    return model, {"cause": cause, "alarm": "Quality" if cause == "alarm" else "", "by": "ann", "reason": "mended"}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["starts", "gives up", "resumes"])
def test_a_decision_that_is_killed_at_any_call_is_made_once_by_its_retry(name: str, after: bool) -> None:
    fatal, survived = 1, False
    while not survived:
        model, asked = scene(name)
        known = len(model.ledger.rows)
        event = DecideRetrainEvent.model_validate(
            {"model": "tiny", "at": model.now, "execution": "mine", "asked": asked}
        )
        runtime, alarms, _ = mortal(model, fatal, after=after)
        try:
            decide_once(event, runtime, alarms, Descriptions(model.alarms))
            survived = True
        except Killed:
            decide_once(event, model.runtime, model.alarms, Descriptions(model.alarms))
        kinds = sorted(row.kind for row in model.ledger.rows[known:])
        assert kinds == EXPECTED[name], f"killed at call {fatal}"
        fatal += 1
    assert fatal > 8, "a decision makes more calls than that"


EXPECTED = {
    "starts": sorted([RETRAIN_REQUESTED, "retrain.suppressed"]),
    "gives up": sorted([RETRAIN_GIVEN_UP, "retrain.deferred", "retrain.suppressed"]),
    "resumes": sorted(["retrain.resumed", RETRAIN_REQUESTED, "retrain.suppressed"]),
}


def test_the_kinds_that_account_for_an_alarm_are_those_that_the_storm_counts() -> None:
    model = Model(WILD)
    model.alarm("Drift")
    model.told.add("Quality@never")
    assert list(model.unaccounted()) == ["Quality@never: 0"]
    assert {row.kind for row in model.ledger.rows} & set(DECISIONS)
