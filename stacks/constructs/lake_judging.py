"""The part of intake that judges a table in a lake: a job, and what is said to it and read from it."""

from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.asl import THIS_RUN, Json, States, call, service
from stacks.constructs.framework_image import spark_image
from stacks.constructs.job_archive import JobArchive
from stacks.constructs.job_kit import JobKit
from stacks.constructs.job_role import JobRole
from stacks.constructs.lake_table import LakeTable
from stacks.constructs.machine import Machine, may_run_jobs
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.constructs.training_jobs import input_of, output_of
from stacks.constructs.training_steps import SAGEMAKER_BUSY
from stacks.generated import generated_file
from stacks.job_kit import LAKE
from stacks.lake_bundle import COMMAND, lake_bundle
from trimtab.spec.lake import LakeSpec

_DROP = {"drop.$": "$.claim.drop"}
_FOLDER = "lake"
"""Below the model's in the temporary part of the artifacts bucket: task and verdict."""
_PROVISIONING_S = 3600
"""Seconds that SageMaker may need before and after a job's own time."""


class LakeJudging(Construct):
    """Owns the job's role, code and kit, and the functions plan_lake and read_lake. No state."""

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts, lake: LakeSpec) -> None:
        super().__init__(scope, id)
        self._parts, self._lake, self._table = parts, lake, LakeTable(lake)
        archive = generated_file(f"{parts.spec.name}.lake.tar.gz", lake_bundle(parts.spec))
        self._code = JobArchive(self, "Source", asset=assets.AssetProps(path=str(archive)))
        self._kit = JobKit(self, "Kit", kit=LAKE)
        self._image = spark_image(self, "Image", lake.image)
        self._jobs = f"{parts.names.prefix}-lake-*"
        self.role = self._role()
        self.plan_lake, self.read_lake = self._plan_lake(), self._read_lake()

    @property
    def functions(self) -> tuple[RuntimeFunction, ...]:
        return self.plan_lake, self.read_lake

    @property
    def timeout_s(self) -> int:
        """Seconds that judging takes at most."""
        return 60 * self._lake.max_runtime_minutes + _PROVISIONING_S

    def states(self, *, then: str, on_error: str) -> States:
        """PlanLake, JudgeLake and ReadLake, after which the validation is there as after one pass."""
        return {
            "PlanLake": call(self.plan_lake, THIS_RUN | _DROP, result="$.plan", then="JudgeLake", on_error=on_error),
            "JudgeLake": service(
                "sagemaker:createProcessingJob.sync",
                self._request(),
                result="$.judged",
                selector={"status.$": "$.ProcessingJobStatus"},
                then="ReadLake",
                on_error=on_error,
                retries=[SAGEMAKER_BUSY],
                timeout_s=self.timeout_s,
            ),
            "ReadLake": call(self.read_lake, THIS_RUN | _DROP, result="$.validation", then=then, on_error=on_error),
        }

    def allow(self, machine: Machine) -> None:
        """``machine`` may run the job."""
        machine.allow(*may_run_jobs("ProcessingJob", "processing-job", self._jobs))
        self.role.grant_pass(machine.role)

    def grant_claim(self, function: RuntimeFunction) -> None:
        """``function`` may see which objects the table has; of a request for one, S3 asks for the right to read it."""
        self._table.grant_read(function.role)
        self._table.grant_list(function.role)

    def _request(self) -> Json:
        """CreateProcessingJob. The table's files are copied to the machine, which has no network."""
        key = self._parts.artifacts.owner.key.arn
        return {
            "ProcessingJobName.$": "$.plan.job",
            "AppSpecification": {"ImageUri": self._image.uri, "ContainerEntrypoint": list(COMMAND)},
            "RoleArn": self.role.arn,
            "ProcessingInputs": [
                input_of("code", {"S3Uri": self._code.uri}),
                input_of("kit", {"S3Uri": self._kit.uri}),
                input_of("task", {"S3Uri.$": "$.plan.task"}),
                input_of("table", {"S3Uri.$": "$.plan.files", "S3DataType": "ManifestFile"}),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [output_of("verdict", {"S3Uri.$": "$.plan.verdict"})],
                "KmsKeyId": key,
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": self._lake.instance_type,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": self._lake.volume_gb,
                    "VolumeKmsKeyId": key,
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60 * self._lake.max_runtime_minutes},
            "NetworkConfig": {"EnableNetworkIsolation": True},
        }

    def _role(self) -> JobRole:
        """Reads the table, code and its task, and writes its verdict: nothing else of the model's."""
        made = JobRole(self, "Execution", runs=f"processing-job/{self._jobs}")
        made.use_code([self._code, self._kit], self._image)
        self._table.grant_read(made.role)
        self._table.grant_list(made.role)
        temporary = self._parts.temporary
        temporary.grant_read(made.role, _FOLDER)
        temporary.grant_list(made.role)
        temporary.grant_write(made.role, _FOLDER)
        temporary.owner.key.grant_volumes(made.role)
        return made

    def _plan_lake(self) -> RuntimeFunction:
        """Reads the list of the table's objects, keys and the reference profile, writes the task."""
        function = self._parts.function(self, "plan_lake", columnar=True, timeout_s=120)
        self._parts.artifacts.grant_read(function.role, "drops", "datasets", "references")
        self._parts.temporary.grant_write(function.role, _FOLDER)
        return function

    def _read_lake(self) -> RuntimeFunction:
        """Reads the verdict and looks whether the table is what was claimed, writes report and profile."""
        function = self._parts.function(self, "read_lake", columnar=True, timeout_s=600)
        self._parts.artifacts.grant_read(function.role, "drops")
        self._parts.artifacts.grant_write(function.role, "reports")
        self._parts.temporary.grant_read(function.role, _FOLDER)
        self._parts.temporary.grant_list(function.role)
        self.grant_claim(function)
        return function
