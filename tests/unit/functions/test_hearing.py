"""Every alarm of a model is answered in the ledger, whatever it is about, and so is its end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.decide_retrain.handler import DecideRetrainEvent, decide_once
from tests.unit.functions.alarmed import DRIFT_ALARM, Descriptions, alarmed, drifts, take_over
from tests.unit.functions.scene import SPEC, Scene
from trimtab.errors import SpecError
from trimtab.ports import Entry
from trimtab.recovery.rings import kind_named
from trimtab.spec import parse_spec
from trimtab.spec.retraining import RetrainingSpec


def name(id: str) -> str:
    """As CloudFormation names an alarm of the model's stack."""
    return f"trimtab-test-model-tiny-Alarms{id}0A1B2C3D-K9XyZ"


ERRORS, SILENCE, PAGE = name("Errors"), name("Silence"), name("Page")


@dataclass
class Heard:
    """A model whose alarms turn, and whose events recovery is told of."""

    scene: Scene = field(default_factory=alarmed)
    since: dict[str, datetime] = field(default_factory=dict)
    asked: int = 0

    def turns(self, alarm: str, state: str, told: bool = True, at: datetime | None = None) -> dict[str, Any]:
        """The alarm goes to a state, which the event may tell of."""
        self.scene.alarms.requests.setdefault(alarm, {"AlarmName": alarm, "MetricName": ""})
        self.scene.alarms.state[alarm], self.since[alarm] = state, self.scene.now
        return self.told(alarm, state, at) if told else {}

    def told(self, alarm: str, state: str, at: datetime | None = None) -> dict[str, Any]:
        return self._decide({"cause": "alarm", "alarm": alarm, "state": state}, at)

    def looks(self) -> dict[str, Any]:
        """A monitoring run has ended."""
        return self._decide({"cause": "look"}, None)

    def _decide(self, asked: dict[str, str], at: datetime | None) -> dict[str, Any]:
        self.asked += 1
        given = {"model": "tiny", "at": at or self.scene.now, "execution": f"e{self.asked}", "asked": asked}
        reader = Descriptions(self.scene.alarms, self.since)
        return decide_once(DecideRetrainEvent.model_validate(given), self.scene.runtime, self.scene.alarms, reader)

    @property
    def rows(self) -> list[Entry]:
        return self.scene.ledger.entries("alarm.")

    def allow(self, action: str, **actions: str) -> None:
        """``rollout.after.action`` and ``retraining.actions``."""
        spec = self.scene.spec
        after = spec.rollout.after.model_copy(update={"action": action})
        retraining = RetrainingSpec.model_validate(spec.retraining.model_dump() | {"actions": actions})
        rollout = spec.rollout.model_copy(update={"after": after})
        self.scene.spec = spec.model_copy(update={"rollout": rollout, "retraining": retraining})

    def roll_out(self) -> None:
        """Version 2 has served for an hour, in the place of version 1."""
        take_over(self.scene, 1)
        self.scene.later(days=2)
        take_over(self.scene, 2)
        self.scene.later(hours=1)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.mark.parametrize(
    ("id", "kind"),
    [
        ("Errors", "errors"),
        ("LatencyAnomaly", "latency_anomaly"),
        ("GivenUp", "given_up"),
        ("PromotionBroken", "promotion_broken"),
        ("DeadLetters", "dead_letters"),
        ("DEADBEEF", ""),
    ],
)
def test_an_alarms_name_says_its_kind(id: str, kind: str) -> None:
    assert kind_named(name(id) if kind else f"somebody-elses-Alarm{id}") == kind
    if kind:
        assert kind_named(name(id).rpartition("-")[0]) == kind, "a cloud may add nothing to it"


@pytest.mark.parametrize("id", ["Errors", "Saturation", "Silence", "MissingDrops", "Unreadable", "GivenUp", "NewKind"])
def test_an_alarm_that_asks_for_no_training_has_its_answer_and_its_end(heard: Heard, id: str) -> None:
    assert heard.turns(name(id), "ALARM")["outcome"] == "Told"
    heard.scene.later(minutes=90)
    assert heard.turns(name(id), "OK")["outcome"] == "Cleared"
    told, cleared = heard.rows
    assert (told.kind, told.data["alarm"], told.data["kind"]) == ("alarm.told", name(id), kind_named(name(id)))
    assert told.data["runbook"] == "docs/runbooks/endpoint.md"
    assert [answer["question"] for answer in told.data["decision"]][:2] == [
        "What does an alarm of this kind allow?",
        "Does it ring still?",
    ]
    assert "something is wrong" in told.data["summary"]
    assert (cleared.kind, cleared.data["ring"], cleared.data["minutes"]) == ("alarm.cleared", told.seq, 90)
    assert (cleared.data["since"], cleared.data["kind"]) == (told.at.isoformat(), told.data["kind"])
    assert not heard.scene.ledger.entries("retrain.")


def test_the_end_of_an_alarm_that_asked_for_a_training_is_written_down_too(heard: Heard) -> None:
    drifts(heard.scene)
    assert heard.told(DRIFT_ALARM, "ALARM")["outcome"] == "Started"
    heard.scene.later(days=3)
    assert heard.turns(DRIFT_ALARM, "OK")["outcome"] == "Cleared"
    (cleared,) = heard.rows
    assert (cleared.data["kind"], cleared.data["minutes"]) == ("drift", 3 * 24 * 60)
    assert "for 3 d" in cleared.data["summary"]


def test_an_alarm_that_was_never_heard_to_ring_has_no_end(heard: Heard) -> None:
    assert heard.turns(SILENCE, "OK")["outcome"] == "Nothing"
    assert heard.rows == []


def test_an_event_that_comes_twice_or_after_the_next_one_changes_nothing(heard: Heard) -> None:
    rang = heard.scene.now
    heard.turns(SILENCE, "ALARM")
    heard.scene.later(hours=2)
    over = heard.scene.now
    heard.turns(SILENCE, "OK")
    assert heard.told(SILENCE, "ALARM", rang)["outcome"] == "Duplicate"
    assert heard.told(SILENCE, "OK", over)["outcome"] == "Duplicate"
    heard.scene.later(hours=2)
    heard.turns(SILENCE, "ALARM")
    assert heard.told(SILENCE, "OK", over - timedelta(minutes=1))["outcome"] == "Nothing", "it has rung since"
    assert [row.kind for row in heard.rows] == ["alarm.told", "alarm.cleared", "alarm.told"]


def test_an_alarm_that_is_over_within_the_second_has_its_end(heard: Heard) -> None:
    heard.turns(SILENCE, "ALARM")
    assert heard.turns(SILENCE, "OK")["outcome"] == "Cleared"


def test_an_alarm_that_flaps_each_minute_for_a_day_writes_a_row_an_hour(heard: Heard) -> None:
    for _ in range(12 * 60):
        heard.turns(ERRORS, "ALARM")
        heard.scene.later(minutes=1)
        heard.turns(ERRORS, "OK")
        heard.scene.later(minutes=1)
    told = [row for row in heard.rows if row.kind == "alarm.told"]
    assert (len(told), len(heard.rows)) == (24, 48)


def test_a_ring_that_was_folded_and_lasts_is_found_by_a_look(heard: Heard) -> None:
    for state in ("ALARM", "OK", "ALARM"):
        heard.turns(SILENCE, state)
        heard.scene.later(minutes=5)
    assert [row.kind for row in heard.rows] == ["alarm.told", "alarm.cleared"]
    heard.looks()
    assert len(heard.rows) == 2, "it is given an hour"
    heard.scene.later(hours=1)
    heard.looks()
    heard.looks()
    assert [row.kind for row in heard.rows] == ["alarm.told", "alarm.cleared", "alarm.told"]
    assert heard.rows[-1].data["cause"] == "look"


def test_events_that_were_lost_are_made_up_for_by_looks(heard: Heard) -> None:
    rang = heard.scene.now
    heard.turns(PAGE, "ALARM", told=False)
    heard.turns(SILENCE, "ALARM", told=False)
    heard.scene.later(hours=2)
    heard.looks()
    (told,) = heard.rows
    assert (told.data["kind"], told.data["start"]) == ("silence", False)
    heard.scene.later(hours=1)
    heard.turns(SILENCE, "OK", told=False)
    over = heard.scene.now
    heard.scene.later(hours=5)
    heard.looks()
    assert (heard.rows[-1].kind, heard.rows[-1].at) == ("alarm.cleared", over)
    assert (heard.rows[-1].data["since"], heard.rows[-1].data["minutes"]) == (rang.isoformat(), 180)


def test_a_state_from_before_the_ring_is_not_its_end(heard: Heard) -> None:
    heard.turns(SILENCE, "OK", told=False)
    heard.scene.later(hours=1)
    heard.told(SILENCE, "ALARM")
    heard.looks()
    assert [row.kind for row in heard.rows] == ["alarm.told"], "what CloudWatch says lags behind its event"


@pytest.mark.parametrize(("action", "actions"), [("rollback", {}), ("tell", {"errors": "rollback"})])
def test_a_new_version_whose_requests_fail_goes_back_where_the_spec_allows_it(
    heard: Heard, action: str, actions: dict[str, str]
) -> None:
    heard.allow(action, **actions)
    heard.roll_out()
    found = heard.turns(ERRORS, "ALARM")
    assert (found["outcome"], found["rollback"]["to"], found["start"]) == ("RollbackRequested", 1, False)
    assert "its requests fail" in found["rollback"]["reason"]
    (told,) = heard.rows
    assert told.data["rollback"] == found["rollback"]
    assert [answer["passed"] for answer in told.data["decision"]] == [True, True, True]
    assert not heard.scene.notifier.sent, "what is done is not proposed"


def test_one_that_flaps_asks_for_one_rollback(heard: Heard) -> None:
    heard.allow("rollback")
    heard.roll_out()
    outcomes = []
    for _ in range(5):
        outcomes.append(heard.turns(ERRORS, "ALARM")["outcome"])
        heard.scene.later(minutes=3)
    assert outcomes == ["RollbackRequested", "Nothing", "Nothing", "Nothing", "Nothing"]


def test_by_default_the_rollback_is_proposed_with_its_command(heard: Heard) -> None:
    heard.roll_out()
    found = heard.turns(ERRORS, "ALARM")
    assert (found["outcome"], found["rollback"]) == ("Told", None)
    (message,) = heard.scene.notifier.sent
    assert "trimtab rollback tiny --to 1" in message["next_step"]
    assert "a rollback to version 1 is proposed" in heard.rows[0].data["reason"]


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("it is over", "no: OK"),
        ("late", "version 2 has taken over since"),
        ("old", "version 2 serves for longer than 24 hours"),
        ("the first", "none before it"),
        ("forbidden", "tells people"),
    ],
)
def test_no_version_goes_back_for_what_is_not_its_own_or_not_so_now(heard: Heard, why: str, said: str) -> None:
    heard.allow("rollback", **({"errors": "tell"} if why == "forbidden" else {}))
    heard.roll_out()
    rang = heard.scene.now
    if why == "late":
        rang -= timedelta(hours=2)
    elif why == "old":
        rang = heard.scene.later(hours=30)
    elif why == "the first":
        heard.scene.ledger.rows = [row for row in heard.scene.ledger.rows if row.subject != "p1"]
    heard.turns(ERRORS, "OK" if why == "it is over" else "ALARM", told=False)
    found = heard.told(ERRORS, "ALARM", rang)
    assert (found["outcome"], found["rollback"]) == ("Told", None)
    assert said in found["reason"]
    assert not heard.scene.notifier.sent


def test_other_alarms_on_the_endpoint_go_back_only_where_the_spec_names_them(heard: Heard) -> None:
    heard.allow("rollback", saturation="rollback")
    heard.roll_out()
    assert heard.turns(name("LatencyAnomaly"), "ALARM")["outcome"] == "Told"
    assert heard.turns(name("Saturation"), "ALARM")["outcome"] == "RollbackRequested"


def test_a_spec_that_would_train_for_an_endpoint_that_fails_is_refused() -> None:
    before = SPEC.partition("retraining:")[0]
    assert parse_spec(before + "retraining: {actions: {errors: rollback}}").retraining.named_action("errors")
    with pytest.raises(SpecError, match="no training mends"):
        parse_spec(before + "retraining: {actions: {errors: retrain}}")


def test_an_alarm_that_tells_reads_no_more_of_the_ledger_than_decisions_and_who_served(heard: Heard) -> None:
    asked: list[str] = []
    entries = heard.scene.ledger.entries

    def counted(kind_prefix: str = "", subject: str | None = None) -> list[Entry]:
        asked.append(kind_prefix)
        return entries(kind_prefix, subject)

    heard.scene.ledger.entries = counted  # type: ignore[method-assign]
    heard.turns(SILENCE, "ALARM")
    heard.turns(SILENCE, "OK")
    assert asked
    assert "" not in asked
