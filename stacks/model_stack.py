"""One model in one stage: its six machines, what starts them, and what watches over them."""

from aws_cdk import CfnOutput, CfnResource, RemovalPolicy, Stack
from constructs import Construct

from stacks.constructs.approvers import Approvers
from stacks.constructs.baseline_reconsidering import BaselineReconsidering
from stacks.constructs.batch_scoring import BatchScoring
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.edge_component import EdgeComponent
from stacks.constructs.endpoint_scaling import EndpointScaling
from stacks.constructs.endpoint_sleep import EndpointSleep
from stacks.constructs.execution_role import ExecutionRole
from stacks.constructs.feature_store import FeatureStore
from stacks.constructs.framework_image import ContainerImage, container_image
from stacks.constructs.gate_release import GateRelease
from stacks.constructs.intake_machine import IntakeMachine
from stacks.constructs.job_kit import JobKit
from stacks.constructs.lease_reclaiming import LeaseReclaiming
from stacks.constructs.machine import Machine
from stacks.constructs.model_alarms import ModelAlarms
from stacks.constructs.model_dashboard import ModelDashboard
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.model_triggers import ModelTriggers
from stacks.constructs.monitoring_machine import MonitoringMachine
from stacks.constructs.onlookers import Onlookers
from stacks.constructs.promotion_machine import PromotionMachine
from stacks.constructs.python_layer import PythonLayer
from stacks.constructs.reconciling import Reconciling
from stacks.constructs.recovery_machine import RecoveryMachine
from stacks.constructs.rollback_machine import RollbackMachine
from stacks.constructs.run_tracking import RunTracking
from stacks.constructs.runtime_function import FunctionDefaults
from stacks.constructs.scorers import Scorers
from stacks.constructs.source_bundle import SourceBundle
from stacks.constructs.spec_layer import SpecLayer
from stacks.constructs.training_machine import TrainingMachine
from stacks.control_stack import ControlStack
from stacks.data_stack import DataStack
from stacks.layers import columnar_recipe, runtime_recipe
from stacks.model_source import ModelSource
from stacks.stage import Stage
from trimtab.contracts import TEMPORARY
from trimtab.names import ASYNC, ModelNames
from trimtab.spec.timetable import has_gates


class ModelStack(Stack):
    """A model's machines, functions, rules, alarms and registry. Its data lie in the data stack."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stage: Stage,
        model: ModelSource,
        data: DataStack,
        control: ControlStack,
        architecture: str,
    ) -> None:
        # CloudFormation takes 1 MB of a template; indented, a model with all that is optional comes close to it.
        about = f"Trimtab: the model {model.spec.name}"
        super().__init__(scope, id, description=about, suppress_template_indentation=True)
        self._stage, self._model, self._data, self._control = stage, model, data, control
        self.names = ModelNames(stage.name, model.spec.name)
        self._registry()
        self._parts = self._make_parts(architecture)
        self._machines()
        self._watch()
        self._tell()

    def _registry(self) -> None:
        """The package group stays when the stack goes: it is the record of what was approved."""
        # By type, not by aws_sagemaker's class: importing that module takes half a second of every synth.
        group = CfnResource(
            self,
            "Registry",
            type="AWS::SageMaker::ModelPackageGroup",
            properties={
                "ModelPackageGroupName": self.names.package_group,
                "ModelPackageGroupDescription": f"Versions of the model {self._model.spec.name}",
            },
        )
        group.apply_removal_policy(RemovalPolicy.RETAIN if self._stage.protected else self._stage.removal)

    def _make_parts(self, architecture: str) -> ModelParts:
        data, control, spec = self._data, self._control, self._model.spec
        bundle, kit = SourceBundle(self, "Source", model=self._model), JobKit(self, "Kit")
        image = container_image(self, "Image", spec.training)
        artifacts, captures = data.artifacts.folder(spec.name), data.captures.folder(spec.name)
        execution_role = ExecutionRole(self, "Execution")
        execution_role.use_data(artifacts, captures)
        execution_role.use_code([bundle, kit], image)
        serverless_role = ExecutionRole(self, "Serverless")
        serverless_role.use_models(artifacts, image)
        return ModelParts(
            stage=self._stage,
            spec=spec,
            names=self.names,
            drops=data.drops.folder(spec.name),
            artifacts=artifacts,
            temporary=data.artifacts.folder(f"{TEMPORARY}/{spec.name}"),
            captures=captures,
            ledger=data.ledger,
            signing_key=data.signing_key,
            notifications=control.notifications,
            operations_key=control.key,
            record_failure=control.record_failure,
            execution_role=execution_role,
            serverless_role=serverless_role,
            bundle=bundle,
            kit=kit,
            image=image,
            defaults=self._defaults(architecture, bundle, image, (execution_role, serverless_role)),
        )

    def _defaults(
        self, architecture: str, bundle: SourceBundle, image: ContainerImage, roles: tuple[ExecutionRole, ExecutionRole]
    ) -> FunctionDefaults:
        execution_role, serverless_role = roles
        own = {
            "model": self._model.spec.name,
            "signing_key_id": self._data.signing_key.key_arn,
            "execution_role_arn": execution_role.arn,
            "serverless_role_arn": serverless_role.arn,
            "image_uri": image.uri,
            "package_group": self.names.package_group,
            "code_uri": bundle.uri,
            "artifacts_key_id": self._data.artifacts.key.arn,
            "captures_key_id": self._data.captures.key.arn,
        }
        return FunctionDefaults(
            stage=self._stage,
            settings={**self._control.settings(self._stage, self._data), **own},
            log_key=self._control.key.key,
            runtime=PythonLayer(self, "Runtime", recipe=runtime_recipe(architecture)),
            columnar=PythonLayer(self, "Columnar", recipe=columnar_recipe(architecture)),
            spec=SpecLayer(self, "Spec", spec=self._model.spec).version,
            architecture=architecture,
        )

    def _machines(self) -> None:
        parts = self._parts
        self.release = GateRelease(self, "Gates", parts=parts).machine if has_gates(parts.spec.rollout) else None
        reconsidering = BaselineReconsidering(self, "Baseline", parts=parts).machine
        Approvers(self, "Approvers", parts=parts, release=self.release, reconsidering=reconsidering)
        self.intake = IntakeMachine(self, "IntakeSteps", parts=parts).machine
        self.training = TrainingMachine(self, "TrainingSteps", parts=parts).machine
        self._promotion_steps = PromotionMachine(self, "PromotionSteps", parts=parts)
        self.promotion = self._promotion_steps.machine
        self._rollback_steps = RollbackMachine(self, "RollbackSteps", parts=parts)
        self.rollback = self._rollback_steps.machine
        Onlookers(self, "Onlookers", parts=parts, rollback=self.rollback)
        self.monitoring = MonitoringMachine(self, "MonitoringSteps", parts=parts).machine
        self.recovery = RecoveryMachine(self, "RecoverySteps", parts=parts).machine

    @property
    def machines(self) -> list[Machine]:
        return [self.intake, self.training, self.promotion, self.rollback, self.monitoring, self.recovery]

    def _watch(self) -> None:
        """Alarms, what starts the machines (also by alarm), and the page that shows it all."""
        topic = self._control.notifications.topic
        alarms = ModelAlarms(self, "Alarms", spec=self._model.spec, names=self.names, topic=topic)
        dead_letters = DeadLetters(self, "DeadLetters", key=self._control.key)
        triggers = ModelTriggers(
            self,
            "Triggers",
            parts=self._parts,
            alarms=alarms,
            dead_letters=dead_letters,
        )
        triggers.start_intake(self.intake)
        triggers.start_training(self.training)
        triggers.start_promotion(self.promotion)
        triggers.start_rollback(self.rollback)
        triggers.start_monitoring(self.monitoring)
        for machine in self.machines:
            alarms.watch_machine(machine)
        triggers.start_recovery(self.recovery, after=[self.monitoring, self.training])
        if self.release:
            alarms.watch_machine(self.release)
            CfnOutput(self, "ReleaseMachine", value=self.release.arn)
        alarms.watch_dead_letters(dead_letters)
        self._promotion_steps.close_what_breaks_off(dead_letters)
        self._rollback_steps.close_what_breaks_off(dead_letters)
        movers = [self.promotion, self.rollback]
        Reconciling(self, "Reconciling", parts=self._parts, movers=movers, dead_letters=dead_letters)
        LeaseReclaiming(self, "Reclaiming", parts=self._parts, machine=self.training, dead_letters=dead_letters)
        self._shape_endpoint(dead_letters)
        if self._model.spec.batch:
            batch = BatchScoring(
                self, "Scoring", parts=self._parts, batch=self._model.spec.batch, dead_letters=dead_letters
            )
            alarms.watch_machine(batch.machine)
            Scorers(self, "Scorers", parts=self._parts, batch=batch.machine)
            CfnOutput(self, "BatchMachine", value=batch.machine.arn)
        if self._model.spec.stores:
            store = FeatureStore(self, "Store", parts=self._parts, intake=self.intake, dead_letters=dead_letters)
            alarms.watch_machine(store.machine)
        if self._model.spec.tracking.is_on(self._stage.name):
            machines = [self.training, self.promotion, self.rollback]
            RunTracking(self, "Tracking", parts=self._parts, machines=machines, dead_letters=dead_letters)
        edge = self._model.spec.edge
        if edge is not None and edge.greengrass:
            name = f"trimtab.{self._stage.name}.{self._model.spec.name}"
            EdgeComponent(self, "Edge", name=name, model=self._model.spec.name)
        if self._model.spec.monitoring.dashboard:
            spec, names = self._model.spec, self.names
            ModelDashboard(self, "Overview", spec=spec, names=names, alarms=alarms, machines=self.machines)

    def _shape_endpoint(self, dead_letters: DeadLetters) -> None:
        """Its instances follow requests, and it sleeps where nobody depends on it, as far as the spec says so."""
        endpoint, role = self._model.spec.rollout.endpoint, self._parts.execution_role.role
        if endpoint.kind == "async":
            self._parts.captures.grant_read(role, ASYNC)
            self._parts.captures.grant_write(role, ASYNC)
        if endpoint.kind == "async" and endpoint.asynchronous.notify:
            self._parts.notifications.grant_publish(role)
        if endpoint.autoscaling:
            EndpointScaling(self, "Scaling", parts=self._parts, dead_letters=dead_letters)
        if endpoint.sleep and not self._stage.protected:
            EndpointSleep(self, "Sleep", parts=self._parts, sleep=endpoint.sleep, dead_letters=dead_letters)

    def _tell(self) -> None:
        """What command line and console need to find."""
        outputs = {f"{machine.node.id}Machine": machine.arn for machine in self.machines}
        outputs |= {
            "PackageGroup": self.names.package_group,
            "Endpoint": self.names.endpoint,
            "StagingEndpoint": self.names.staging_endpoint,
            "ExecutionRole": self._parts.execution_role.arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
