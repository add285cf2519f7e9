"""How far a rollout is, told from ledger, endpoint and the judge's newest look."""

import io
import json

import pytest
from rich.console import Console

from cli.rollout_watch import EXITS, Sight, as_data, in_a_line, picture
from tests.unit.functions.scene import ENDPOINT, Scene, approved, measure_errors, moving, serve_first_version
from trimtab.contracts import Plan
from trimtab.errors import RolloutInProgress
from trimtab.ledger.kinds import ROLLOUT_GOING_BACK, ROLLOUT_HELD, ROLLOUT_RELEASED, ROLLOUT_SHIFTED
from trimtab.ports import EndpointState
from trimtab.rollout.fleet_numbers import minutes_of, together
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.looking import NEWEST
from trimtab.rollout.progress import Progress, newest, share_of_new
from trimtab.telemetry import Metric


@pytest.fixture
def scene() -> Scene:
    return Scene()


def progress(scene: Scene) -> Progress:
    told = newest(scene.ledger.entries())
    assert told is not None
    uri = f"s3://artifacts/tiny/rollouts/{told.promotion.tag}/{NEWEST}"
    found = scene.objects.head(uri)
    judgement = Judgement.from_json(json.loads(scene.objects.read(uri))) if found else None
    return Progress(told, scene.endpoints.describe(ENDPOINT), judgement)


def shift(scene: Scene, step: int, percent: int) -> None:
    data = {"step": step, "percent": percent, "config": "c", "at": scene.now.isoformat()}
    scene.ledger.append(ROLLOUT_SHIFTED, "second", data, scene.now, "watch_rollout")


def drawn(scene: Scene) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(picture(Sight(progress(scene), ())))
    return console.export_text()


def test_before_anything_was_approved_there_is_nothing_to_tell(scene: Scene) -> None:
    assert newest(scene.ledger.entries()) is None


def test_a_moving_rollout_tells_its_step_what_comes_next_and_when_it_ends(scene: Scene) -> None:
    moving(scene)
    assert progress(scene).phase == "Moving"
    assert progress(scene).next == "20 % of the requests, once the new fleet is ready"
    assert progress(scene).ends_about is None
    shift(scene, 1, 20)
    told = progress(scene).to_json()
    assert told["step"] == 1
    assert (
        told["next"]
        == f"100 % of the requests about {scene.now:%Y-%m-%d} {(scene.now.hour):02d}:{scene.now.minute + 10:02d}"
    )
    ends = progress(scene).ends_about
    assert ends is not None
    assert (ends - scene.now).total_seconds() == 1200


def test_the_end_tells_the_outcome_and_why(scene: Scene) -> None:
    serve_first_version(scene)
    told = progress(scene).to_json()
    assert (told["phase"], told["outcome"], told["next"]) == ("Serving", "Serving", "nothing: the promotion has ended")
    assert told["shares"] == {f"{ENDPOINT}-v1-{progress(scene).told.promotion.tag}": 1.0}
    assert "serves" in told["reason"]
    assert EXITS[told["outcome"]] == 0
    assert "ended: Serving" in drawn(scene)


def test_a_gate_says_which_command_releases_it_until_it_is_released(scene: Scene) -> None:
    moving(scene)
    shift(scene, 1, 20)
    held = {"step": 1, "why": "gate", "until": scene.now.isoformat()}
    scene.ledger.append(ROLLOUT_HELD, "second", held, scene.now, "shift_traffic")
    assert progress(scene).phase == "Held"
    assert 'trimtab rollout release tiny --reason "..."' in progress(scene).next
    scene.ledger.append(ROLLOUT_RELEASED, "second", {"step": 1, "by": "ann", "reason": "go"}, scene.now, "ann")
    assert progress(scene).phase == "Moving"


def test_a_rollout_that_goes_back_says_why(scene: Scene) -> None:
    moving(scene)
    scene.ledger.append(
        ROLLOUT_GOING_BACK, "second", {"step": 0, "reasons": ["it is [worse]"]}, scene.now, "watch_rollout"
    )
    assert progress(scene).phase == "GoingBack"
    assert "going back: it is [worse]" in drawn(scene)
    assert "GoingBack" in in_a_line(progress(scene))


def test_before_any_shift_the_old_version_answers_everything(scene: Scene) -> None:
    plan = Plan.model_validate(moving(scene).state["plan"])
    assert progress(scene).shares == {plan.previous_config: 1.0, plan.config: 0.0}


def test_the_share_of_the_new_version_is_its_weight_or_what_sagemaker_has_moved(scene: Scene) -> None:
    plan = Plan.model_validate(moving(scene).state["plan"]).model_copy(update={"step_config": "steps"})
    weights = {"main": 75.0, "challenger": 25.0}
    assert share_of_new(plan, EndpointState(ENDPOINT, "InService", "steps", weights=weights)) == 0.25
    moved = EndpointState(ENDPOINT, "Updating", str(plan.previous_config), plan.config, pending_share=0.2)
    assert share_of_new(plan, moved) == 0.2
    assert share_of_new(plan, EndpointState(ENDPOINT, "InService", plan.config)) == 1.0
    assert share_of_new(plan, None) is None


def test_an_older_version_is_told_when_it_is_asked_for(scene: Scene) -> None:
    serve_first_version(scene)
    approved(scene)
    found = newest(scene.ledger.entries(), 1)
    assert found is not None
    assert found.outcome == "Serving"
    assert newest(scene.ledger.entries(), 7) is None


def test_both_versions_are_counted_minute_by_minute(scene: Scene) -> None:
    plan = Plan.model_validate(moving(scene).state["plan"])
    seen = minutes_of(plan, scene.measurements, plan.deadline)
    assert [(minute.new.requests, minute.old.requests) for minute in seen] == [(100, 100)] * 3
    assert seen[0].new.latency_ms == pytest.approx(20.5)
    assert together(minute.new for minute in seen).requests == 300
    told = as_data(Sight(progress(scene), tuple(seen)))
    assert isinstance(told["minutes"], list)
    assert told["minutes"][0]["new"]["errors"] == 0


def test_a_look_shows_the_share_the_verdict_and_each_rules_evidence(scene: Scene) -> None:
    run = moving(scene)
    shift(scene, 1, 20)
    measure_errors(scene, run.state["plan"], requests=200, errors=80, minutes=4)
    with pytest.raises(RolloutInProgress):
        run.watch()
    shown = {(metric, *dimensions.values()): value for metric, value, dimensions in scene.metrics.points}
    assert shown[Metric.ROLLOUT_SHARE,] == 20
    assert shown[Metric.ROLLOUT_VERDICT,] == -1
    assert shown[Metric.ROLLOUT_EVIDENCE, "errors"] == 10
    assert shown[Metric.ROLLOUT_EVIDENCE, "latency"] < 1
