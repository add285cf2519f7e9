"""From an approved package to the proof of what is served."""

from constructs import Construct

from stacks.asl import (
    THIS_MOMENT,
    THIS_RUN,
    WHY,
    Json,
    States,
    absent,
    again,
    announce,
    call,
    choose,
    equals,
    fail,
    machine,
    poll,
    record_failure,
    remember,
    succeed,
)
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine, may_announce
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.constructs.serving_rights import may_look_after_scaling, may_prove
from stacks.constructs.traffic import moving_s, moving_states, traffic_functions
from stacks.constructs.triggers import Call, ended
from trimtab.contracts import PROMOTION_REQUESTED
from trimtab.errors import ApprovalWithdrawn, ApproverUnknown, EndpointNotReady, TrailNotRead
from trimtab.names import RECORDS

_TRAIL_S = 20 * 60
"""Seconds that CloudTrail may be behind; AWS says that it delivers within 15 minutes, and in about 5 on average."""
_READING_TIMES, _READING_PAUSE_S = 24, 300
"""How often, and at most how many seconds apart, a reading of CloudTrail goes on where the one before had to stop."""
_CHECK_S = 300
_STAGING_S = 20 * 60
_NO_FAILURES = ("Serving", "RolledBack", "Refused", "Busy")
_PROMOTED = THIS_MOMENT | {"promotion.$": "$.promotion"}
_PLANNED = _PROMOTED | {"plan.$": "$.plan"}


class PromotionMachine(Construct):
    """Owns the machine ``promotion`` and its functions. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self.check_approval = _check_approval(self, parts)
        self.deploy_staging = _deploy_staging(self, parts)
        self.test_staging = _test_staging(self, parts)
        self.traffic = traffic_functions(self, parts)
        self.confirm_serving = _confirm_serving(self, parts)
        self.publish_baseline = _publish_baseline(self, parts)
        self.close_promotion = _close_promotion(self, parts)
        self.functions = (
            self.check_approval,
            self.deploy_staging,
            self.test_staging,
            *self.traffic.all,
            self.confirm_serving,
            self.publish_baseline,
            self.close_promotion,
        )
        self.machine = Machine(
            self,
            "Promotion",
            name=parts.names.machine("promotion"),
            definition=self._definition(),
            invokes=(*self.functions, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self.machine.allow(may_announce(PROMOTION_REQUESTED))
        parts.allow_endpoint(
            self.machine.role, parts.names.endpoint, "sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"
        )

    def close_what_breaks_off(self, dead_letters: DeadLetters) -> None:
        """An execution that is stopped or runs out of time leaves nothing behind, nor others waiting."""
        told = {
            "model": self._parts.spec.name,
            "at": "$.time",
            "execution": "$.detail.name",
            "broken": "$.detail.status",
        }
        Call(
            self,
            "Broken",
            function=self.close_promotion,
            pattern=ended([self.machine], "ABORTED", "TIMED_OUT"),
            inputs=told,
            dead_letters=dead_letters,
        )

    def _definition(self) -> Json:
        states = (
            self._checking()
            | self._staging()
            | moving_states(self.traffic, self._parts.spec.rollout)
            | self._confirming()
            | _outcomes()
            | self._closing()
            | record_failure(self._parts.record_failure, "promotion")
        )
        reading_s = _READING_TIMES * (_READING_PAUSE_S + _CHECK_S)
        seconds = _TRAIL_S + reading_s + _STAGING_S + moving_s(self._parts.spec.rollout)
        return machine("An approved version is tested, rolled out, proven.", "CheckApproval", states, timeout_s=seconds)

    def _checking(self) -> States:
        package = {"package_arn.$": "$.package_arn"}
        unread = again([TrailNotRead.__name__], first_s=20, attempts=_READING_TIMES, most_s=_READING_PAUSE_S)
        return {
            "CheckApproval": call(
                self.check_approval,
                THIS_RUN | package,
                result="$.promotion",
                then="IsApproved",
                on_error="IsApproverUnknown",
                retries=[poll(ApproverUnknown.__name__, every_s=20, for_s=_TRAIL_S), unread],
            ),
            "IsApproverUnknown": choose(
                equals("$.error.Error", ApproverUnknown.__name__, "CheckApprovalWithoutTrail"),
                otherwise="CloseUnchecked",
            ),
            "CheckApprovalWithoutTrail": call(
                self.check_approval,
                THIS_RUN | package | {"source": "registry"},
                result="$.promotion",
                then="IsApproved",
                on_error="CloseUnchecked",
                retries=[unread],
            ),
            "IsApproved": choose(
                equals("$.promotion.outcome", "Approved", "IsStagingSkipped"),
                equals("$.promotion.outcome", "Busy", "NoteBusy"),
                equals("$.promotion.outcome", "Pending", "Pending"),
                equals("$.promotion.outcome", "Duplicate", "Duplicate"),
                otherwise="NoteRefused",
            ),
            "IsStagingSkipped": choose(
                equals("$.promotion.skips_staging", True, "PlanRollout"), otherwise="DeployStaging"
            ),
            "CloseUnchecked": call(
                self.close_promotion,
                THIS_MOMENT | package | {"outcome": "Failed", "reason.$": WHY},
                result="$.closed",
                then="Failed",
                on_error="RecordFailure",
                retries=[poll(EndpointNotReady.__name__, every_s=15, for_s=_STAGING_S)],
            ),
        }

    def _staging(self) -> States:
        return {
            "DeployStaging": call(
                self.deploy_staging,
                _PROMOTED,
                result="$.staging",
                then="TestStaging",
                on_error="NoteFailure",
                retries=[poll(EndpointNotReady.__name__, every_s=15, for_s=_STAGING_S)],
            ),
            "TestStaging": call(
                self.test_staging,
                _PROMOTED | {"staging.$": "$.staging"},
                result="$.staging_test",
                then="HasPassed",
                on_error="NoteFailure",
            ),
            "HasPassed": choose(equals("$.staging_test.passed", True, "PlanRollout"), otherwise="NoteUnfit"),
        }

    def _confirming(self) -> States:
        return {
            "ConfirmServing": call(
                self.confirm_serving,
                _PLANNED | {"rollout.$": "$.rollout"},
                result="$.confirmation",
                then="IsServing",
                on_error="NoteFailure",
            ),
            "IsServing": choose(
                equals("$.confirmation.outcome", "Serving", "PublishBaseline"), otherwise="NoteRolledBack"
            ),
            "PublishBaseline": call(
                self.publish_baseline,
                _PROMOTED | {"confirmation.$": "$.confirmation"},
                result="$.baseline",
                then="NoteServing",
                on_error="NoteFailure",
            ),
        }

    def _closing(self) -> States:
        shadowed = {"Shadowed": succeed("Both versions' answers were compared; nothing else was wanted.")}
        shadowed = shadowed if self.traffic.shift else {}
        ended = {"outcome.$": "$.end.outcome", "reason.$": "$.end.reason"}
        waiting = {f"{field}.$": f"$.closed.next.{field}" for field in ("model", "package_arn", "at")}
        return {
            "ClosePromotion": call(
                self.close_promotion,
                _PROMOTED | ended,
                result="$.closed",
                then="IsNextWaiting",
                on_error="RecordFailure",
                retries=[poll(EndpointNotReady.__name__, every_s=15, for_s=_STAGING_S)],
            ),
            "IsNextWaiting": choose(absent("$.closed.next", "Outcome"), otherwise="AnnounceNext"),
            "AnnounceNext": announce(PROMOTION_REQUESTED, waiting, then="Outcome", on_error="RecordFailure"),
            "Outcome": choose(
                *(
                    equals("$.end.outcome", name, name)
                    for name in ("Serving", "RolledBack", "Refused", "Busy", *shadowed)
                ),
                otherwise="PromotionFailed",
            ),
            "Serving": succeed("The version serves all production traffic."),
            "RolledBack": succeed("Production serves what it served before."),
            "Refused": succeed("The approval could not be acted upon; production is as it was."),
            "Busy": succeed("Another promotion is under way; this approval waits for its turn."),
            "Pending": succeed("More people have to approve the version; it waits for them."),
            "Duplicate": succeed("Another execution acts upon the same approval."),
            "PromotionFailed": fail("PromotionFailed", "$.end.reason"),
        } | shadowed


def _outcomes() -> States:
    """How the promotion ended, in a form that does not depend on where it ended."""
    ends: dict[str, Json] = {
        "NoteServing": {"outcome": "Serving", "reason.$": "$.confirmation.reason"},
        "NoteRolledBack": {"outcome": "RolledBack", "reason.$": "$.confirmation.reason"},
        "NoteRefused": {"outcome": "Refused", "reason.$": "$.promotion.reason"},
        "NoteUnfit": {"outcome": "Refused", "reason.$": "$.staging_test.reason"},
        "NoteNotBegun": {"outcome": "Failed", "reason.$": "$.rollout.reason"},
        "NoteBusy": {"outcome": "Busy", "reason.$": "$.promotion.reason"},
        "NoteWithdrawn": {"outcome": "Refused", "reason.$": WHY},
        "NoteBroken": {"outcome": "Failed", "reason.$": WHY},
    }
    withdrawn = equals("$.error.Error", ApprovalWithdrawn.__name__, "NoteWithdrawn")
    notes = {name: remember(values, at="$.end", then="ClosePromotion") for name, values in ends.items()}
    return notes | {"NoteFailure": choose(withdrawn, otherwise="NoteBroken")}


def _check_approval(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the package and who approved it, verifies its signature, digests anew all that its record vouches for.

    It may turn packages to Rejected (a version that is superseded) and to PendingManualApproval (more votes needed).
    """
    function = parts.function(scope, "check_approval", timeout_s=_CHECK_S)
    parts.allow_registry(function, "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage")
    function.allow(parts.reading_the_trail())
    parts.notifications.grant_publish(function.role)
    parts.artifacts.grant_read(function.role, "runs", "datasets", RECORDS)
    parts.artifacts.grant_list(function.role)
    function.allow(parts.signing_statement("kms:Verify"))
    return function


def _deploy_staging(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Makes the SageMaker model, the config and the endpoint; removes a staging endpoint that was left over."""
    function = parts.function(scope, "deploy_staging")
    parts.allow_models(function, serverless=parts.spec.rollout.staging == "serverless")
    parts.allow_endpoint(
        function.role,
        parts.names.staging_endpoint,
        "sagemaker:CreateEndpoint",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DeleteEndpoint",
    )
    parts.allow_registry(function, "sagemaker:DescribeModelPackage")
    return function


def _test_staging(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Asks the staging endpoint, reads what memory it takes, and writes a report."""
    function = parts.function(scope, "test_staging", timeout_s=900)
    parts.allow_endpoint(function.role, parts.names.staging_endpoint, "sagemaker:InvokeEndpoint")
    parts.allow_registry(function, "sagemaker:DescribeModelPackage")
    function.allow(parts.reading_metrics())
    parts.artifacts.grant_read(function.role, "runs")
    parts.artifacts.grant_write(function.role, "runs")
    return function


def _confirm_serving(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Asks production once; rejects in the registry what was rolled back; lineage hears of what serves."""
    function = parts.function(scope, "confirm_serving")
    parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:DescribeEndpoint")
    may_prove(function, parts)
    may_look_after_scaling(function, parts)
    parts.allow_registry(function, "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage")
    parts.artifacts.grant_read(function.role, "runs")
    parts.allow_lineage(function)
    parts.notifications.grant_publish(function.role)
    return function


def _publish_baseline(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the evaluation."""
    function = parts.function(scope, "publish_baseline")
    parts.artifacts.grant_read(function.role, "runs")
    return function


def _close_promotion(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Removes what the promotion made and production does not use; writes the rollout's page."""
    function = parts.function(scope, "close_promotion")
    parts.artifacts.grant_read(function.role, "rollouts")
    parts.artifacts.grant_write(function.role, "rollouts")
    parts.artifacts.grant_list(function.role)
    function.allow(parts.reading_metric_data())
    parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:DescribeEndpoint")
    parts.allow_endpoint(function.role, parts.names.staging_endpoint, "sagemaker:DeleteEndpoint")
    parts.allow_serving(
        function, "sagemaker:DescribeEndpointConfig", "sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel"
    )
    function.allow(may_announce(PROMOTION_REQUESTED))
    parts.allow_alarms(function, "cloudwatch:DeleteAlarms", "cloudwatch:SetAlarmState")
    parts.allow_registry(function, "sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage")
    parts.notifications.grant_publish(function.role)
    return function
