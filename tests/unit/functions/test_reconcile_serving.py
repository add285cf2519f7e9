"""Disagreements about what serves are found, told once with what helps, and never repaired."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.recording_fakes import MemoryLineage
from tests.unit.functions.rollback_run import RollbackRun, serve_two_versions
from tests.unit.functions.scene import ENDPOINT, STAGING, PromotionRun, Scene, approved, function
from trimtab.ports import EndpointState
from trimtab.rollout.deployment import Deployment
from trimtab.rollout.reconciliation import MEASURING, WATCHED, Watcher, watched
from trimtab.telemetry import Metric


@dataclass
class QuietSurroundings:
    """All is well until a test says otherwise."""

    captured: str | None = "Started"
    alarms: dict[str, list[Watcher]] = field(
        default_factory=lambda: {metric.value: [Watcher(f"alarm-{metric.value}", True)] for metric in WATCHED}
    )
    above: list[Watcher] = field(default_factory=lambda: [Watcher("page", True)])
    keys: dict[str, str] = field(default_factory=dict)
    scaled: bool = True
    lineage: MemoryLineage = field(default_factory=MemoryLineage)

    def capture(self, endpoint: str) -> str | None:
        return self.captured

    def watchers(self, metric: str, dimensions: Mapping[str, str]) -> list[Watcher]:
        assert dimensions == {"Model": "tiny"}
        return self.alarms[metric]

    def pages(self, prefix: str, above: Sequence[str]) -> list[Watcher]:
        assert prefix == "trimtabtestmodeltiny"
        assert set(above) <= {f"alarm-{metric.value}" for metric in MEASURING} | {"q"}
        return self.above

    def key_state(self, key_id: str) -> str:
        return self.keys.get(key_id, "Enabled")

    def scales(self, endpoint: str, variant: str) -> bool:
        return self.scaled

    def deployed(self, endpoint_arn: str) -> str | None:
        return self.lineage.deployed(endpoint_arn)


@dataclass
class Look:
    """The reconciler over a scene in which version 2 serves."""

    scene: Scene
    around: QuietSurroundings = field(default_factory=QuietSurroundings)

    def __post_init__(self) -> None:
        self.around.lineage = self.scene.lineage

    def __call__(self) -> dict[str, str]:
        """The commands that help, by the finding's name."""
        module = function("reconcile_serving")
        event = module.ReconcileServingEvent.model_validate(self.scene.event("look"))
        ports = (self.scene.endpoints, self.scene.registry, self.around)
        found = module.reconcile(event, self.scene.runtime, *ports)["found"]
        return {each["name"]: each["command"] for each in found}


@pytest.fixture
def look(scene: Scene) -> Look:
    serve_two_versions(scene)
    return Look(scene)


def test_nothing_is_found_nor_told_where_all_agree(scene: Scene, look: Look) -> None:
    told = len(scene.notifier.sent)
    assert look() == {}
    assert len(scene.notifier.sent) == told
    assert scene.ledger.entries("reconciled") == []
    assert scene.metrics.points[-1] == (Metric.RECONCILE_FINDINGS, 0, {})


def test_the_alarm_on_drift_is_looked_for_on_the_metric_that_the_spec_has_it_on(scene: Scene) -> None:
    assert watched(scene.spec) == WATCHED
    monitoring = scene.spec.monitoring.model_copy(update={"drift_by": "importance"})
    by_importance = watched(scene.spec.model_copy(update={"monitoring": monitoring}))
    assert set(WATCHED) ^ set(by_importance) == {Metric.PSI_MAX, Metric.PSI_WEIGHTED}


def _by_hand(look: Look) -> None:
    live = look.scene.endpoints.endpoints[ENDPOINT]
    look.scene.endpoints.configs["by-hand"] = {"ProductionVariants": []}
    look.scene.endpoints.endpoints[ENDPOINT] = replace(live, config="by-hand")


def _unapproved(look: Look) -> None:
    champion = look.scene.ledger.state("champion")
    assert champion is not None
    look.scene.registry.reject(champion["package_arn"], "by hand")


def _without_model(look: Look) -> None:
    look.scene.endpoints.delete_model(look.scene.endpoints.endpoints[ENDPOINT].config)


def _broken(look: Look) -> None:
    live = look.scene.endpoints.endpoints[ENDPOINT]
    look.scene.endpoints.endpoints[ENDPOINT] = replace(live, status="UpdateRollbackFailed")


def _moving(look: Look) -> None:
    live = look.scene.endpoints.endpoints[ENDPOINT]
    look.scene.endpoints.update(ENDPOINT, live.config)


def _lost_approval(look: Look) -> None:
    approved(look.scene, "run-3")
    look.scene.later(hours=1)


def _with_another_deployment(look: Look) -> None:
    champion = look.scene.ledger.state("champion")
    assert champion is not None
    Deployment({**champion, "config": "by-hand"}, ENDPOINT, "somebody").note(look.scene.lineage)


def _unmeasured(look: Look) -> None:
    """The ledger without the entry that says what version 2 is compared with."""
    rows = look.scene.ledger.rows
    rows[:] = [row for row in rows if (row.kind, row.data.get("version")) != ("baseline.published", 2)]


CHANGES: dict[str, tuple[Callable[[Look], Any], str]] = {
    "endpoint-gone": (lambda look: look.scene.endpoints.endpoints.pop(ENDPOINT), "trimtab rollback tiny --to 2"),
    "config-unrecorded": (_by_hand, "trimtab rollback tiny --to 2"),
    "endpoint-broken": (_broken, "trimtab rollback tiny --to 2"),
    "baseline-missing": (_unmeasured, "trimtab rollback tiny --to 2"),
    "moved-by-hand": (_moving, f"aws sagemaker describe-endpoint --endpoint-name {ENDPOINT}"),
    "parts-gone": (_without_model, "trimtab rollback tiny --to 2"),
    "champion-unapproved": (_unapproved, "trimtab approve tiny 2"),
    "package-gone": (lambda look: look.scene.registry.held.clear(), "trimtab rollback tiny"),
    "approval-lost": (_lost_approval, "trimtab approve tiny 3 --again"),
    "staging-left": (
        lambda look: look.scene.endpoints.endpoints.update({STAGING: EndpointState(STAGING, "InService", "s")}),
        f"aws sagemaker delete-endpoint --endpoint-name {STAGING}",
    ),
    "lineage-missing": (lambda look: look.scene.lineage.nodes.clear(), "trimtab lineage tiny@2 --note"),
    "lineage-other": (_with_another_deployment, "trimtab lineage tiny@2 --note"),
    "capture-off": (lambda look: setattr(look.around, "captured", "Stopped"), "--query DataCaptureConfig"),
    "alarm-missing:PsiMax": (lambda look: look.around.alarms["PsiMax"].clear(), "cdk deploy trimtab-test-model-tiny"),
    "alarm-disabled:QualityDrop": (
        lambda look: look.around.alarms.update(QualityDrop=[Watcher("q", False)]),
        "aws cloudwatch enable-alarm-actions --alarm-names q",
    ),
    "alarm-missing:Page": (lambda look: look.around.above.clear(), "cdk deploy trimtab-test-model-tiny"),
    "alarm-disabled:Page": (
        lambda look: setattr(look.around, "above", [Watcher("page", False)]),
        "aws cloudwatch enable-alarm-actions --alarm-names page",
    ),
    "key-Disabled:alias/signing": (
        lambda look: look.around.keys.update({"alias/signing": "Disabled"}),
        "aws kms enable-key --key-id alias/signing",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_disagrees_is_named_with_the_command_that_helps(look: Look, name: str) -> None:
    change, command = CHANGES[name]
    change(look)
    found = look()
    assert set(found) == {name}
    assert command in found[name]


def test_an_endpoint_that_no_version_accounts_for_is_found(scene: Scene) -> None:
    scene.endpoints.configs["c"] = {"ProductionVariants": []}
    scene.endpoints.endpoints[ENDPOINT] = EndpointState(ENDPOINT, "InService", "c")
    assert set(Look(scene)()) == {"endpoint-unknown"}


def test_it_is_recorded_and_told_when_it_begins_and_when_it_ends_and_not_in_between(scene: Scene, look: Look) -> None:
    told = len(scene.notifier.sent)
    _by_hand(look)
    for _ in range(3):
        look()
    assert scene.metrics.points[-1] == (Metric.RECONCILE_FINDINGS, 1, {})
    back = RollbackRun(scene)
    back.begin(to=2)
    back.restored()
    back.close()
    for _ in range(2):
        assert look() == {}
    entries = scene.ledger.entries("reconciled")
    assert [len(entry.data["found"]) for entry in entries] == [1, 0]
    subjects = [notice["subject"] for notice in scene.notifier.sent[told:]]
    assert subjects == ["1 new disagreements about what serves", "version 2 serves again", "all agree again"]


def test_nothing_is_repaired(scene: Scene, look: Look) -> None:
    _by_hand(look)
    _unapproved(look)
    before = dict(scene.endpoints.endpoints), dict(scene.endpoints.configs)
    look()
    assert (scene.endpoints.endpoints, scene.endpoints.configs) == before


def test_what_is_under_way_is_no_disagreement(scene: Scene, look: Look) -> None:
    run = PromotionRun(scene, "third")
    run.to_plan(approved(scene, "run-3"))
    run.start()
    assert look() == {}


def test_an_approval_that_was_refused_was_not_lost(scene: Scene, look: Look) -> None:
    scene.registry.reject(approved(scene, "run-3"), "not yet")
    arn = scene.registry.approve(approved(scene, "run-4")).arn
    scene.objects.delete("s3://artifacts/tiny/runs/run-4/evaluation/evaluation.json")
    assert PromotionRun(scene, "fourth").check(arn)["outcome"] == "Refused"
    scene.ledger.release("promotion", "fourth", scene.ledger.lease_holder("promotion").fence)  # type: ignore[union-attr]
    scene.later(hours=1)
    assert look() == {}


def test_a_staging_endpoint_that_is_being_deleted_was_not_left_over(scene: Scene, look: Look) -> None:
    scene.endpoints.endpoints[STAGING] = EndpointState(STAGING, "Deleting", "s")
    assert look() == {}


def test_an_endpoint_that_sleeps_is_not_missed_until_it_was_woken(scene: Scene, look: Look) -> None:
    del scene.endpoints.endpoints[ENDPOINT]
    scene.ledger.append("endpoint.slept", "s", {}, scene.now, "test")
    assert look() == {}
    scene.ledger.append("endpoint.woken", "s", {}, scene.now, "test")
    assert set(look()) == {"endpoint-gone"}
