"""The feature group of a model, the machine that fills it, and the function that scores what is in it."""

from aws_cdk import CfnOutput, CfnResource, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import arn
from stacks.asl import THIS_MOMENT, Json, call, choose, equals, machine, poll, record_failure, remember, succeed
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.execution_role import SAGEMAKER, own_service
from stacks.constructs.lake_table import LakeTable
from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.constructs.triggers import Trigger
from trimtab.errors import LedgerConflict
from trimtab.spec.stored import feature_definitions, feature_group

FOLDER = "features"
"""Below the model's in the artifacts bucket: the offline store."""
_DAY_S = 24 * 3600


class FeatureStore(Construct):
    """Owns a feature group, online and offline, and the machine ``features``. Holds state: the online store.

    The offline store's files lie in the artifacts bucket and stay when the group goes.
    """

    def __init__(
        self, scope: Construct, id: str, *, parts: ModelParts, intake: Machine, dead_letters: DeadLetters
    ) -> None:
        super().__init__(scope, id)
        self.name = feature_group(parts.names.prefix, parts.spec)
        self.group = self._group(parts, _writer(self, parts))
        self.store_features = self._store_features(parts)
        self.score_records = self._score_records(parts)
        self.machine = Machine(
            self,
            "Features",
            name=parts.names.machine("features"),
            definition=self._definition(parts.record_failure),
            invokes=(self.store_features, parts.record_failure),
            key=parts.operations_key,
            stage=parts.stage,
        )
        self._after(intake, parts, dead_letters)
        CfnOutput(self, "Scoring", value=self.score_records.function.function_name).override_logical_id("ScoreRecords")
        CfnOutput(self, "Group", value=self.name).override_logical_id("FeatureGroup")

    def _group(self, parts: ModelParts, writer: iam.Role) -> CfnResource:
        # By type, not by aws_sagemaker's class: importing that module takes half a second of every synth.
        key = parts.artifacts.owner.key.arn
        types = feature_definitions(parts.spec).items()
        group = CfnResource(
            self,
            "Records",
            type="AWS::SageMaker::FeatureGroup",
            properties={
                "FeatureGroupName": self.name,
                "Description": f"Trimtab: accepted rows of the model {parts.spec.name}",
                "RecordIdentifierFeatureName": parts.spec.data.id,
                "EventTimeFeatureName": parts.spec.data.event_time,
                "FeatureDefinitions": [{"FeatureName": name, "FeatureType": kind} for name, kind in types],
                "OnlineStoreConfig": {"EnableOnlineStore": True, "SecurityConfig": {"KmsKeyId": key}},
                "OfflineStoreConfig": {
                    "S3StorageConfig": {"S3Uri": parts.artifacts.uri(FOLDER), "KmsKeyId": key},
                    "DisableGlueTableCreation": True,
                },
                "RoleArn": writer.role_arn,
            },
        )
        group.apply_removal_policy(RemovalPolicy.RETAIN if parts.stage.protected else parts.stage.removal)
        # SageMaker looks at the bucket with the role while it makes the group.
        group.node.add_dependency(writer)
        return group

    def _store_features(self, parts: ModelParts) -> RuntimeFunction:
        """Reads accepted drops and writes records; it can read none."""
        function = parts.function(self, "store_features", columnar=True, timeout_s=840)
        parts.drops.grant_read(function.role, "data", "quarantine")
        parts.drops.grant_list(function.role)
        parts.artifacts.grant_read(function.role, "drops")
        if parts.spec.data.lake:
            LakeTable(parts.spec.data.lake).grant_read(function.role)
        self._allow(function, parts, "sagemaker:PutRecord")
        return function

    def _score_records(self, parts: ModelParts) -> RuntimeFunction:
        """Reads records and asks the endpoint. It has nothing to do with the ledger."""
        function = RuntimeFunction(self, "score_records", defaults=parts.defaults, timeout_s=90)
        self._allow(function, parts, "sagemaker:BatchGetRecord")
        parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:InvokeEndpoint")
        return function

    def _allow(self, function: RuntimeFunction, parts: ModelParts, action: str) -> None:
        """``action`` on the group's records; the online store decrypts in the name of who asks."""
        resources = [arn("sagemaker", f"feature-group/{self.name}")]
        function.allow(iam.PolicyStatement(actions=[action], resources=resources))
        parts.artifacts.owner.key.grant(function.role, "sagemaker", "kms:Decrypt")

    def _definition(self, failure: RuntimeFunction) -> Json:
        states = {
            "Begin": remember({}, at="$.progress", then="StoreFeatures"),
            "StoreFeatures": call(
                self.store_features,
                THIS_MOMENT | {"progress.$": "$.progress"},
                result="$.progress",
                then="IsMore",
                on_error="RecordFailure",
                # Another execution stores: drops go in as they were accepted, one after the other.
                retries=[poll(LedgerConflict.__name__, every_s=30, for_s=_DAY_S // 4)],
            ),
            "IsMore": choose(equals("$.progress.more", True, "StoreFeatures"), otherwise="Stored"),
            "Stored": succeed("The feature group holds every accepted drop."),
        }
        states |= record_failure(failure, "features")
        return machine("Accepted rows go into the feature group.", "Begin", states, timeout_s=_DAY_S)

    def _after(self, intake: Machine, parts: ModelParts, dead_letters: DeadLetters) -> None:
        """Beside the intake and never in its way: it has ended when this begins."""
        pattern = events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"stateMachineArn": [intake.arn], "status": ["SUCCEEDED"]},
        )
        Trigger(
            self,
            "DropEnded",
            machine=self.machine,
            pattern=pattern,
            inputs={"model": parts.spec.name, "at": "$.time"},
            dead_letters=dead_letters,
            stage=parts.stage,
        )


def _writer(scope: Construct, parts: ModelParts) -> iam.Role:
    """Under this role SageMaker writes the offline store, and nothing else."""
    role = iam.Role(scope, "Writer", assumed_by=own_service(SAGEMAKER, arn("sagemaker", "*")))
    parts.artifacts.grant_write(role, FOLDER)
    bucket = parts.artifacts.owner.arn
    role.add_to_policy(iam.PolicyStatement(actions=["s3:GetBucketAcl"], resources=[bucket]))
    objects = f"{bucket}/{parts.artifacts.name}/{FOLDER}/*"
    role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObjectAcl"], resources=[objects]))
    return role
