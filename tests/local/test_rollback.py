"""Rollbacks, what served at any time, and the reconciler, on the local cloud's SageMaker, CloudWatch and KMS.

The steps build on each other: a failure makes those after it fail too.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.functions.rollback_run import RollbackRun
from tests.unit.functions.scene import ENDPOINT, SPEC, PromotionRun, function, tiny_spec
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.lineage import SageMakerLineage
from trimtab.aws.measurements import CloudWatchMeasurements
from trimtab.aws.objects import S3ObjectStore
from trimtab.aws.surroundings import AwsSurroundings
from trimtab.errors import EndpointNotReady, RolloutInProgress
from trimtab.rollout.deployment import Deployment
from trimtab.rollout.reconciliation import Watcher
from trimtab.rollout.served_at import ServedAt, served_at
from trimtab.telemetry import NAMESPACE

from .conftest import LocalCloud, wait_until
from .sagemaker_support import Studio
from .test_rollout_guards import CloudScene

QUICK = "rollout: {strategy: all_at_once, bake_minutes: 0, on_inconclusive: proceed}"
CANARY = "rollout: {strategy: canary, bake_minutes: 60, percent: 20}"
ROLLOUT = next(line for line in SPEC.splitlines() if line.startswith("rollout:"))


class Story(CloudScene):
    """A scene with the acts of this file."""

    def promoted(self, run: str) -> PromotionRun:
        promotion = self.started(run)
        assert self.ended(promotion)["outcome"] == "Serving"
        promotion.publish()
        return promotion

    def back(self, name: str, to: int = 0, act: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """One rollback to its end; ``act`` is what happens to the promotion that it stops."""
        self.look_at_the_clock()
        rollback = RollbackRun(self, name)
        try:
            begun = rollback.begin(to)
        except RolloutInProgress:
            act()
            begun = rollback.begin(to)
        assert begun["outcome"] == "Begun", begun
        done: dict[str, Any] = wait_until(lambda: self._restored(rollback), 60, lambda: f"{self.live()}")
        assert rollback.close()["released"] is True
        return done

    def _restored(self, rollback: RollbackRun) -> dict[str, Any] | None:
        try:
            return rollback.restore()
        except (RolloutInProgress, EndpointNotReady):
            self.look_at_the_clock()
            return None

    def answering(self) -> int:
        """The version that answers a request."""
        answer = self.endpoints.invoke(ENDPOINT, b'{"row": 1, "x": 0.5, "kind": "a"}\n')
        return int(json.loads(answer.body)["version"])

    def reconciled(self) -> set[str]:
        """Names of the disagreements, without those of the model's own alarms: there is no stack here."""
        self.look_at_the_clock()
        sagemaker, cloudwatch, kms = (self.cloud.client(name) for name in ("sagemaker", "cloudwatch", "kms"))
        module = function("reconcile_serving")
        event = module.ReconcileServingEvent.model_validate(self.event("look"))
        ports = (self.endpoints, self.registry, AwsSurroundings(sagemaker, cloudwatch, kms, None))
        found = module.reconcile(event, self.runtime, *ports)["found"]
        return {each["name"] for each in found if not each["name"].startswith("alarm-missing:")}

    def served(self, at: datetime) -> ServedAt:
        return served_at(self.ledger.entries(), at)


@pytest.fixture(scope="module")
def story(own_cloud: LocalCloud) -> Iterator[Story]:
    """Versions 1 and 2 were promoted, one after the other; version 2 serves."""
    studio = Studio(own_cloud)
    for bucket in ("artifacts", "captures"):
        own_cloud.client("s3").create_bucket(Bucket=bucket)
    made = Story(cloud=own_cloud, role=studio.role, spec=tiny_spec(SPEC.replace(ROLLOUT, QUICK)))
    sagemaker, runtime = own_cloud.client("sagemaker"), own_cloud.client("sagemaker-runtime")
    made.objects = S3ObjectStore(own_cloud.client("s3"))  # type: ignore[assignment]
    made.endpoints = SageMakerEndpoints(sagemaker, runtime)  # type: ignore[assignment]
    made.lineage = SageMakerLineage(sagemaker)  # type: ignore[assignment]
    made.alarms = CloudWatchAlarms(own_cloud.client("cloudwatch"))  # type: ignore[assignment]
    made.measurements = CloudWatchMeasurements(own_cloud.client("cloudwatch"))  # type: ignore[assignment]
    kms = own_cloud.client("kms")
    kms.create_alias(AliasName="alias/signing", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    made.promoted("run-1")
    own_cloud.advance(3600)
    made.promoted("run-2")
    own_cloud.advance(3600)
    yield made
    made.endpoints.delete(ENDPOINT)


def test_one_rollback_while_version_2_serves_brings_version_1_back(story: Story) -> None:
    assert story.answering() == 2
    done = story.back("back")
    assert (done["from_version"], done["to_version"], done["made_again"]) == (2, 1, [])
    assert story.answering() == 1
    champion = story.ledger.state("champion")
    assert champion is not None
    assert champion["version"] == 1
    assert json.loads(done["evidence"]["request"]["answer"].splitlines()[0])["version"] == 1


def test_a_rollback_during_a_canary_stops_it_first(story: Story) -> None:
    story.cloud.advance(3600)
    story.promoted("run-3")
    story.spec = tiny_spec(SPEC.replace(ROLLOUT, CANARY))
    canary = story.started("run-4")
    wait_until(lambda: story.answering() == 4, 60, lambda: "the canary got no traffic")
    done = story.back("back-from-canary", to=1, act=lambda: _ended_by_itself(story, canary))
    assert (done["from_version"], done["to_version"]) == (3, 1)
    assert {story.answering() for _ in range(20)} == {1}
    assert story.registry.describe(canary.state["promotion"]["package_arn"]).status == "Rejected"


def _ended_by_itself(story: Story, canary: PromotionRun) -> None:
    """The promotion that was stopped sees it, ends, and leaves nothing behind."""
    assert story.ended(canary)["outcome"] == "RolledBack"


def test_lineage_tells_of_every_version_that_began_to_serve_and_its_absence_is_found(story: Story) -> None:
    sagemaker, served = story.cloud.client("sagemaker"), ["rollout.serving", "rollback.done"]
    noted = [entry.data["evidence"]["lineage"]["action"] for entry in story.ledger.entries() if entry.kind in served]
    configs = [sagemaker.describe_action(ActionName=arn.rpartition("/")[2])["Properties"]["config"] for arn in noted]
    assert [config.split("-v")[1][0] for config in configs] == ["1", "2", "1", "3", "1"]
    assert story.reconciled() == set()
    (edge,) = sagemaker.list_associations(DestinationArn=noted[-1])["AssociationSummaries"]
    assert edge["SourceType"] == "ModelPackage"
    sagemaker.delete_association(SourceArn=edge["SourceArn"], DestinationArn=noted[-1])
    sagemaker.delete_action(ActionName=noted[-1].rpartition("/")[2])
    assert story.reconciled() == {"lineage-other"}
    champion = story.ledger.state("champion")
    assert champion is not None
    Deployment(champion, ENDPOINT, "by hand").note(story.lineage)
    assert story.reconciled() == set()


def test_what_served_is_told_for_every_time_of_the_story(story: Story) -> None:
    entries = story.ledger.entries()
    served = [entry for entry in entries if entry.kind in ("rollout.serving", "rollback.done")]
    versions = [story.served(entry.at).versions[0].version for entry in served]
    assert versions == [1, 2, 1, 3, 1]
    assert story.served(served[0].at - timedelta(days=9)).state == "nothing"
    (plan,) = [entry for entry in entries if entry.kind == "rollout.planned" and "-v4-" in entry.data["config"]]
    canary = story.served(plan.at)
    assert (canary.state, [share.version for share in canary.versions]) == ("moving", [3, 4])
    assert all(story.served(entry.at).chain is None for entry in served)


def test_an_update_by_hand_is_found_told_and_not_repaired(story: Story) -> None:
    assert story.reconciled() == set()
    live = story.live()
    assert live is not None
    sagemaker = story.cloud.client("sagemaker")
    described = sagemaker.describe_endpoint_config(EndpointConfigName=live.config)
    variants, capture = described["ProductionVariants"], described["DataCaptureConfig"]
    by_hand = f"{ENDPOINT}-by-hand"
    sagemaker.create_endpoint_config(EndpointConfigName=by_hand, ProductionVariants=variants, DataCaptureConfig=capture)
    story.endpoints.update(ENDPOINT, by_hand)
    wait_until(lambda: story.live().config == by_hand, 60, lambda: f"{story.live()}")  # type: ignore[union-attr]
    assert story.reconciled() == {"config-unrecorded"}
    assert story.live().config == by_hand  # type: ignore[union-attr]
    assert "trimtab rollback tiny --to 1" in story.notifier.sent[-1]["next_step"]
    story.back("from-by-hand", to=1)
    assert story.reconciled() == set()


def test_an_endpoint_deleted_during_a_rollout_is_told_and_made_again(story: Story) -> None:
    canary = story.started("run-5")
    wait_until(lambda: story.answering() == 5, 60, lambda: "the canary got no traffic")
    switch = f"{canary.state['plan']['config']}-stop"
    story.alarms.ring(switch, "so that it can be deleted: SageMaker deletes no endpoint that is being updated")
    wait_until(lambda: story.live().status == "InService", 60, lambda: f"{story.live()}")  # type: ignore[union-attr]
    story.endpoints.delete(ENDPOINT)
    wait_until(lambda: story.live() is None, 60, lambda: f"{story.live()}")
    assert story.ended(canary)["live_config"] is None
    assert (
        "Nothing serves: trimtab rollback tiny --to 1"
        in story.notifier.sent[-2]["next_step"] + (story.notifier.sent[-1]["next_step"])
    )
    assert story.reconciled() == {"endpoint-gone"}
    story.back("made-again", to=1)
    assert story.answering() == 1
    assert story.reconciled() == set()


def test_model_and_config_that_are_gone_are_made_again(story: Story) -> None:
    live = story.live()
    assert live is not None
    story.endpoints.delete_config(live.config)
    story.endpoints.delete_model(live.config)
    assert story.reconciled() == {"parts-gone"}
    assert story.back("parts", to=1)["made_again"] == ["endpoint config", "model"]
    assert story.reconciled() == set()


def test_alarms_and_keys_are_seen_as_they_are(own_cloud: LocalCloud) -> None:
    cloudwatch, kms = own_cloud.client("cloudwatch"), own_cloud.client("kms")
    around = AwsSurroundings(own_cloud.client("sagemaker"), cloudwatch, kms, None)
    wanted = {"Model": "tiny"}
    assert around.watchers("PsiMax", wanted) == []
    cloudwatch.put_metric_alarm(
        AlarmName="drift",
        Namespace=NAMESPACE,
        MetricName="PsiMax",
        Dimensions=[{"Name": "Model", "Value": "tiny"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    assert around.pages("tiny-", ["drift"]) == []
    page = {"AlarmName": "tiny-page", "AlarmRule": 'ALARM("drift")', "AlarmActions": ["arn:aws:sns:us-east-1:1:t"]}
    cloudwatch.put_composite_alarm(**page)
    cloudwatch.put_composite_alarm(AlarmName="tiny-other", AlarmRule='NOT ALARM("tiny-page")')
    assert around.pages("tiny-", ["drift"]) == [Watcher("tiny-page", True)]
    assert around.pages("flights-", ["drift"]) == []
    cloudwatch.put_composite_alarm(**page | {"AlarmActions": []})
    assert around.pages("tiny-", ["drift"]) == [Watcher("tiny-page", False)]
    cloudwatch.disable_alarm_actions(AlarmNames=["drift"])
    (watcher,) = around.watchers("PsiMax", wanted)
    assert (watcher.name, watcher.enabled) == ("drift", False)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert around.key_state(key) == "Enabled"
    kms.disable_key(KeyId=key)
    assert around.key_state(key) == "Disabled"
    assert around.key_state("12345678-1234-1234-1234-123456789012") == "Missing"
    assert around.capture("nobody") is None
