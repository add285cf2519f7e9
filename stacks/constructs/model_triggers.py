"""What starts the machines of one model, and what each is told."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.arns import arn
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine
from stacks.constructs.model_alarms import ModelAlarms
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.triggers import Schedule, Trigger, ended
from trimtab.contracts import (
    CLOSING,
    EVENT_SOURCE,
    POINTER,
    PROMOTION_REQUESTED,
    ROLLBACK_REQUESTED,
    TRAINING_REQUESTED,
    TRUTH_ACCEPTED,
    DropKind,
)

Fields = dict[str, str]


class ModelTriggers(Construct):
    """Owns the rules and the schedule of one model. No state."""

    def __init__(
        self, scope: Construct, id: str, *, parts: ModelParts, alarms: ModelAlarms, dead_letters: DeadLetters
    ) -> None:
        super().__init__(scope, id)
        self._parts, self._alarms, self._dead_letters = parts, alarms, dead_letters
        self._model = parts.spec.name

    def start_intake(self, machine: Machine) -> None:
        """For every object that is dropped, as data or as truth; of a drop of many objects, for what closes it."""
        data = self._parts.spec.data
        keys = dropped_keys(self._model, data.drop, points=data.lake is not None)
        bucket = self._parts.drops.owner.bucket.bucket_name
        self._rule(
            "Dropped",
            machine,
            {
                "source": ["aws.s3"],
                "detail_type": ["Object Created"],
                "detail": {"bucket": {"name": [bucket]}, "object": {"key": keys}},
            },
            {
                "bucket": "$.detail.bucket.name",
                "key": "$.detail.object.key",
                "version": "$.detail.object.version-id",
                "size": "$.detail.object.size",
                "sequencer": "$.detail.object.sequencer",
                "at": "$.time",
            },
        )

    def start_training(self, machine: Machine) -> None:
        """For every request of Trimtab's own."""
        fields = {field: f"$.detail.{field}" for field in ("reason", "cause", "requested_by", "at")}
        self._rule("TrainingRequested", machine, self._own(TRAINING_REQUESTED), fields)

    def start_promotion(self, machine: Machine) -> None:
        """For a package that was turned to exactly Approved, and for an approval whose turn has come."""
        approved = {
            "source": ["aws.sagemaker"],
            "detail_type": ["SageMaker Model Package State Change"],
            "detail": {
                "ModelPackageGroupName": [self._parts.names.package_group],
                "ModelApprovalStatus": ["Approved"],
            },
        }
        self._rule("Approved", machine, approved, {"package_arn": "$.detail.ModelPackageArn", "at": "$.time"})
        waited = {field: f"$.detail.{field}" for field in ("package_arn", "at")}
        self._rule("PromotionRequested", machine, self._own(PROMOTION_REQUESTED), waited)

    def start_rollback(self, machine: Machine) -> None:
        """For every request of Trimtab's own; people start the machine itself, which tells them at once."""
        fields = {field: f"$.detail.{field}" for field in ("to", "reason", "by", "at")}
        self._rule("RollbackRequested", machine, self._own(ROLLBACK_REQUESTED), fields)

    def start_monitoring(self, machine: Machine) -> None:
        """By the spec's schedule; the scheduled time counts as now, however late the execution starts."""
        Schedule(
            self,
            "Monitoring",
            machine=machine,
            expression=self._parts.spec.monitoring.schedule,
            inputs=json.dumps({"model": self._model, "at": "<aws.scheduler.scheduled-time>"}),
            dead_letters=self._dead_letters,
        )

    def start_recovery(self, machine: Machine, *, after: Sequence[Machine]) -> None:
        """When one of the model's alarms begins to ring or ends, when truth has come, and by the spec's schedule.

        Also whenever an execution of the machines ``after`` has ended: requests that were kept are decided on again.
        """
        # By the beginning of their names: a list of all would be longer than a pattern may be.
        named = arn("cloudwatch", f"alarm:{Stack.of(self).stack_name}-{self._alarms.node.id}")
        turned = {
            "source": ["aws.cloudwatch"],
            "detail_type": ["CloudWatch Alarm State Change"],
            "resources": events.Match.prefix(named),
            "detail": {
                "alarmName": [{"anything-but": [alarm.alarm_name for alarm in self._alarms.unheard]}],
                "state": {"value": ["ALARM", "OK"]},
            },
        }
        told = {"cause": "alarm", "alarm": "$.detail.alarmName", "state": "$.detail.state.value", "at": "$.time"}
        self._rule("Alarm", machine, turned, told)
        # A rule's input has no null, so new truth names no alarm by an empty text.
        told = {"cause": "truth", "alarm": "", "at": "$.detail.at"}
        self._rule("TruthAccepted", machine, self._own(TRUTH_ACCEPTED), told)
        look = {"cause": "look", "alarm": "", "at": "$.time"}
        self._trigger("Look", machine, ended(after, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"), look)
        if (schedule := self._parts.spec.retraining.schedule) is not None:
            inputs = {"model": self._model, "cause": "schedule", "alarm": "", "at": "<aws.scheduler.scheduled-time>"}
            Schedule(
                self,
                "Retraining",
                machine=machine,
                expression=schedule,
                inputs=json.dumps(inputs),
                dead_letters=self._dead_letters,
            )

    def _own(self, detail_type: str) -> Mapping[str, Any]:
        return {"source": [EVENT_SOURCE], "detail_type": [detail_type], "detail": {"model": [self._model]}}

    def _rule(self, id: str, machine: Machine, pattern: Mapping[str, Any], fields: Fields) -> None:
        self._trigger(id, machine, events.EventPattern(**pattern), fields)

    def _trigger(self, id: str, machine: Machine, pattern: events.EventPattern, fields: Fields) -> None:
        Trigger(
            self,
            id,
            machine=machine,
            pattern=pattern,
            inputs={"model": self._model, **fields},
            dead_letters=self._dead_letters,
            stage=self._parts.stage,
        )


def dropped_keys(model: str, how: str, *, points: bool = False) -> list[Fields]:
    """What the keys of objects look like that start the intake; ``how`` is ``data.drop`` of the spec.

    Where drops may point to a lake, ``points``, what points there starts it too.
    """
    data, truth = ({"prefix": f"{model}/{kind.value}/"} for kind in (DropKind.DATA, DropKind.TRUTH))
    if (closing := CLOSING.get(how)) is None:
        return [data, truth]
    closed = [{"wildcard": f"{model}/{DropKind.DATA.value}/*{name}"} for name in (closing, *([POINTER] * points))]
    return [*closed, truth]
