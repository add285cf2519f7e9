"""A fleet: the variants of one endpoint configuration with their instances, which serve, drain and heal."""

import itertools
import math
import random
import shutil
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from localcloud.sagemaker import containers, quotas
from localcloud.sagemaker.connections import TIMEOUT_SECONDS, InstanceGoneError, ModelAnswer
from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.images import find_image
from localcloud.sagemaker.instance import Blueprint, HealthCheckError, Instance
from localcloud.sagemaker.models import Serving, serving
from localcloud.sagemaker.quotas import Usage
from localcloud.sagemaker.service import Record, Region
from localcloud.sagemaker.transfer import Transfer

MOST_PROCESSES = 2
IDLE_SECONDS = 900.0
_HEALTH_CHECK_SECONDS = 120
_DRAIN_SECONDS = 60
_REPLACEMENT_PAUSE_SECONDS = 1.0
_DEFAULT_CODE = "/opt/ml/model/code"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ThrottledError(Exception):
    """Raised when a serverless variant is at its MaxConcurrency."""


@dataclass(frozen=True)
class Owner:
    """What the instances of a variant work for: the ARN that the role is assumed for, and where logs go."""

    arn: str
    log_group: str
    stream: str
    environment: dict[str, str] = field(default_factory=dict)


class Variant:
    """One production variant: weight and counts as they are asked for, and at most a few real processes."""

    def __init__(self, region: Region, config: Record, owner: Owner, most_processes: int) -> None:
        self.config = config
        self.name = str(config["VariantName"])
        self.weight = float(config["InitialVariantWeight"])
        self.serverless: dict[str, Any] | None = config.get("ServerlessConfig")
        self.desired_count = int(config.get("InitialInstanceCount", 1))
        self.count = 0
        self.serving: Serving = serving(region, config["ModelName"])
        self.last_used = 0.0
        self._region = region
        self._owner = owner
        self._most_processes = most_processes
        self._workspace = containers.make_workspace(region.cloud, "endpoints", uuid.uuid4().hex)
        self._instances: list[Instance] = []
        self._turns = itertools.count()
        self._changing = threading.RLock()
        self._closed = False
        self._blueprint: Blueprint | None = None

    def usage(self) -> Usage:
        """The instances of the variant, by quota."""
        return variant_usage(self.config, self.count)

    def scale(self, count: int) -> None:
        """`count` instances are there, by as many processes as are allowed. Raises HealthCheckError, JobFailedError."""
        with self._changing:
            before, self.count = self.count, count
            self.last_used = self._region.cloud.clock.now()
            wanted = 0 if self._closed else min(count, self._most_processes)
            surplus, self._instances = self._instances[wanted:], self._instances[:wanted]
            for instance in surplus:
                instance.stop()
            added: list[Instance] = []
            try:
                added += (self._new_instance() for _ in range(wanted - len(self._instances)))
                for instance in added:
                    instance.wait_until_healthy()
            except (HealthCheckError, JobFailedError):
                self.count = before
                for instance in added:
                    instance.stop()
                raise
            self._instances = [*self._instances, *added]

    def invoke(self, head: bytes, body: bytes, timeout: float = TIMEOUT_SECONDS) -> ModelAnswer:
        """The answer of the next healthy instance; a request whose instance has gone is tried on another one.

        A serverless variant that has gone cold is started first. Raises InstanceGoneError or TimeoutError.
        """
        instances, turn = self._instances, next(self._turns)
        for offset in range(len(instances)):
            instance = instances[(turn + offset) % len(instances)]
            if not instance.is_alive:
                continue
            try:
                return instance.invoke(head, body, timeout)
            except InstanceGoneError:
                continue
        if self.serverless and not self._instances and not self._closed:
            self._warm_up()
            return self.invoke(head, body, timeout)
        raise InstanceGoneError(f"variant {self.name} has no healthy instance")

    def process_ids(self) -> list[int]:
        """The processes of the instances that run."""
        return [instance.process_id for instance in self._instances if instance.is_alive]

    def cool_down(self, now: float) -> None:
        """A serverless variant that nobody has asked for a while has no process any more.

        AWS does not publish after how long; provisioned concurrency stays warm.
        """
        if self.serverless and "ProvisionedConcurrency" not in self.serverless and now - self.last_used > IDLE_SECONDS:
            self.scale(0)

    def close(self) -> None:
        """No process of the variant is left, nor its files."""
        self._closed = True
        with self._changing:
            self.count = 0
            for instance in self._instances:
                instance.stop()
            self._instances = []
        shutil.rmtree(self._workspace, ignore_errors=True)

    def _warm_up(self) -> None:
        with self._changing:
            if not self._instances:
                try:
                    self.scale(1)
                except HealthCheckError as error:
                    raise InstanceGoneError(str(error)) from error

    def _new_instance(self) -> Instance:
        if self._blueprint is None:
            self._blueprint = self._prepare()
        return Instance(self._region, self._blueprint, self._replace)

    def _replace(self, gone: Instance) -> None:
        """The instance that ended on its own is replaced; tried again until it works or the variant closes."""
        while not self._closed and not self._region.cloud.stopping.is_set():
            with self._changing:
                if gone not in self._instances:
                    return
                fresh = self._new_instance()
                try:
                    fresh.wait_until_healthy()
                except HealthCheckError:
                    fresh.stop()
                else:
                    self._instances = [fresh if each is gone else each for each in self._instances]
                    return
            time.sleep(_REPLACEMENT_PAUSE_SECONDS)

    def _prepare(self) -> Blueprint:
        """The model's files lie in the workspace."""
        transfer = Transfer(self._region, self.serving.role_arn, self._owner.arn)
        model = self._workspace / "algo-1" / "model"
        model.mkdir()
        artifact = self.serving.artifact
        if artifact is not None and artifact["CompressionType"] == "Gzip":
            transfer.extract(artifact["S3Uri"], model)
        elif artifact is not None:
            transfer.download_source(artifact, model)
        wait = self.config.get("ContainerStartupHealthCheckTimeoutInSeconds", _HEALTH_CHECK_SECONDS)
        return Blueprint(
            variant=self.name,
            log_group=self._owner.log_group,
            stream=self._owner.stream,
            image=find_image(self._region.cloud, self.serving.image_uri),
            workspace=self._workspace,
            code=self._fetch_code(transfer),
            environment=self._environment(),
            isolated=self.serving.isolated,
            health_check_seconds=float(wait),
        )

    def _fetch_code(self, transfer: Transfer) -> str:
        """Where the program finds the inference code, as it sees the path."""
        folder = self.serving.environment.get("SAGEMAKER_SUBMIT_DIRECTORY", _DEFAULT_CODE).removeprefix("file://")
        ml = self._workspace / "algo-1"
        if folder.startswith("s3://") and self.serving.isolated:
            raise JobFailedError(f"{folder} cannot be downloaded: the model has EnableNetworkIsolation.")
        if folder.startswith("s3://"):
            transfer.extract(folder, ml / "code")
            folder = "/opt/ml/code"
        if self._region.cloud.processes.namespaces or not folder.startswith("/opt/ml"):
            return folder
        return str(ml) + folder.removeprefix("/opt/ml")

    def _environment(self) -> dict[str, str]:
        model, owner, region = self.serving, self._owner, self._region.name
        own = {} if model.isolated else containers.credentials(self._region, model.role_arn, owner.arn)
        regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        return {**own, **regions, **_ONE_THREAD, **model.environment, **owner.environment}


class Fleet:
    """The variants of one configuration. Requests enter and leave it; it closes when the last one has left."""

    def __init__(self, region: Region, endpoint: str, config: Record) -> None:
        self.config_name = str(config["EndpointConfigName"])
        self._region = region
        self._endpoint = endpoint
        most = max(1, MOST_PROCESSES // len(config["ProductionVariants"]))
        self.variants = {each["VariantName"]: self._variant(each, most) for each in config["ProductionVariants"]}
        shadows = [self._variant(each, 1) for each in config.get("ShadowProductionVariants", [])]
        self.shadow = shadows[0] if shadows else None
        self.all_variants = [*self.variants.values(), *shadows]
        self._lock = threading.Condition()
        self._inside: dict[str, int] = {variant.name: 0 for variant in self.all_variants}
        self._closed = False

    def _variant(self, config: Record, most: int) -> Variant:
        arn, group = self._region.arn("endpoint", self._endpoint), f"/aws/sagemaker/Endpoints/{self._endpoint}"
        return Variant(self._region, config, Owner(arn, group, config["VariantName"]), most)

    @property
    def instances(self) -> int:
        """How many instances the fleet is asked to have."""
        return sum(variant.desired_count for variant in self.variants.values())

    @property
    def has_instances(self) -> bool:
        """Whether an instance runs that has been healthy."""
        return any(variant.process_ids() for variant in self.variants.values())

    @property
    def share(self) -> float:
        """How much of the instances that it is asked to have the fleet has, 0..1."""
        count = sum(variant.count for variant in self.variants.values())
        return count / self.instances if self.instances else 1.0

    @property
    def role_arn(self) -> str:
        """The execution role of the fleet's first model."""
        return self.all_variants[0].serving.role_arn

    def usage(self) -> Usage:
        """The fleet's instances, by quota."""
        return sum((variant.usage() for variant in self.all_variants), Usage())

    def start(self, share: float = 1.0) -> None:
        """Every variant serves with its share of instances; when one cannot, none is left and its error is raised."""
        try:
            for variant in self.all_variants:
                variant.scale(math.ceil(variant.desired_count * share))
        except Exception:
            self.close()
            raise

    def resize(self, share: float) -> None:
        """Every variant has this share of the instances it is asked to have, as far as quotas allow."""
        for variant in self.all_variants:
            count = math.ceil(round(variant.desired_count * share, 6))
            quotas.require(self._region, variant_usage(variant.config, count - variant.count), self._endpoint)
            variant.scale(count)

    def cool_down(self) -> None:
        """Serverless variants that nobody asks have no process."""
        for variant in self.all_variants:
            if variant.serverless and not self._inside[variant.name] and variant.count:
                variant.cool_down(self._region.cloud.clock.now())

    def pick(self) -> Variant:
        """A variant by weight."""
        variants = list(self.variants.values())
        if len(variants) == 1:
            return variants[0]
        weights = [variant.weight for variant in variants]
        return random.choices(variants, weights if any(weights) else None)[0]

    def mirrors(self, variant: Variant) -> bool:
        """Whether this request to `variant` also goes to the shadow: as often as their weights relate."""
        return self.shadow is not None and random.random() * variant.weight < self.shadow.weight

    def enter(self, variant: Variant) -> bool:
        """A request is inside until `leave`; False when the fleet closes. Raises ThrottledError."""
        with self._lock:
            if self._closed:
                return False
            if variant.serverless and self._inside[variant.name] >= int(variant.serverless["MaxConcurrency"]):
                raise ThrottledError(variant.name)
            self._inside[variant.name] += 1
            if variant.serverless:
                variant.last_used = self._region.cloud.clock.now()
            return True

    def leave(self, variant: Variant) -> None:
        """A request has left."""
        with self._lock:
            self._inside[variant.name] -= 1
            if self._closed:
                self._lock.notify_all()

    def taken(self, variant: Variant) -> float:
        """The share of a serverless variant's MaxConcurrency that is in use at this moment."""
        assert variant.serverless is not None
        return self._inside[variant.name] / int(variant.serverless["MaxConcurrency"])

    def close(self) -> None:
        """Every request inside has left (or had a minute to), and no process is left."""
        with self._lock:
            self._closed = True
            self._lock.wait_for(lambda: not any(self._inside.values()), _DRAIN_SECONDS)
        for variant in self.all_variants:
            variant.close()


def variant_usage(config: Record, count: int) -> Usage:
    """What `count` instances of a variant take, by quota; a serverless one takes none."""
    return (
        Usage({quotas.quota(config["InstanceType"], quotas.ENDPOINT): count}) if "InstanceType" in config else Usage()
    )


def config_usage(config: Record) -> Usage:
    """What the fleet of an endpoint configuration takes, by quota."""
    variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
    return sum((variant_usage(each, each.get("InitialInstanceCount", 1)) for each in variants), Usage())
