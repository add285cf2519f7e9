"""A fleet: the variants of one endpoint configuration with their instances, which serve, drain and heal."""

import itertools
import random
import shutil
import threading
import time
import uuid
from typing import Any

from localcloud.sagemaker import containers
from localcloud.sagemaker.connections import InstanceGoneError, ModelAnswer
from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.images import find_image
from localcloud.sagemaker.instance import Blueprint, HealthCheckError, Instance
from localcloud.sagemaker.models import Serving, serving
from localcloud.sagemaker.service import Record, Region
from localcloud.sagemaker.transfer import Transfer

MOST_PROCESSES = 2
_HEALTH_CHECK_SECONDS = 120
_DRAIN_SECONDS = 60
_REPLACEMENT_PAUSE_SECONDS = 1.0
_DEFAULT_CODE = "/opt/ml/model/code"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ThrottledError(Exception):
    """Raised when a serverless variant is at its MaxConcurrency."""


class Variant:
    """One production variant: weight and counts as they are asked for, and at most a few real processes."""

    def __init__(self, region: Region, endpoint: str, config: Record, most_processes: int) -> None:
        self.config = config
        self.name = str(config["VariantName"])
        self.weight = float(config["InitialVariantWeight"])
        self.serverless: dict[str, Any] | None = config.get("ServerlessConfig")
        self.desired_count = int(config.get("InitialInstanceCount", 1))
        self.serving: Serving = serving(region, config["ModelName"])
        self._region = region
        self._endpoint = endpoint
        self._arn = region.arn("endpoint", endpoint)
        self._most_processes = most_processes
        self._workspace = containers.make_workspace(region.cloud, "endpoints", uuid.uuid4().hex)
        self._instances: list[Instance] = []
        self._turns = itertools.count()
        self._changing = threading.RLock()
        self._closed = False

    def start(self) -> None:
        """As many processes as wanted serve. Raises HealthCheckError or JobFailedError."""
        self._blueprint = self._prepare()
        self.scale(self.desired_count)

    def scale(self, count: int) -> None:
        """`count` instances are there, by as many processes as are allowed."""
        with self._changing:
            self.desired_count = count
            wanted = 0 if self._closed else min(count, self._most_processes)
            for surplus in self._instances[wanted:]:
                surplus.stop()
            self._instances = self._instances[:wanted]
            added = [self._new_instance() for _ in range(wanted - len(self._instances))]
            try:
                for instance in added:
                    instance.wait_until_healthy()
            except HealthCheckError:
                for instance in added:
                    instance.stop()
                raise
            self._instances = [*self._instances, *added]

    def invoke(self, head: bytes, body: bytes) -> ModelAnswer:
        """The answer of the next healthy instance; a request whose instance has gone is tried on another one."""
        instances, turn = self._instances, next(self._turns)
        for offset in range(len(instances)):
            instance = instances[(turn + offset) % len(instances)]
            if not instance.is_alive:
                continue
            try:
                return instance.invoke(head, body)
            except InstanceGoneError:
                continue
        raise InstanceGoneError(f"variant {self.name} has no healthy instance")

    def close(self) -> None:
        """No process of the variant is left, nor its files."""
        self._closed = True
        with self._changing:
            for instance in self._instances:
                instance.stop()
            self._instances = []
        shutil.rmtree(self._workspace, ignore_errors=True)

    def _new_instance(self) -> Instance:
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
        role_arn = self.serving.role_arn
        transfer = Transfer(self._region.client(role_arn, "s3", self._arn), role_arn, self._region.name)
        model = self._workspace / "ml" / "model"
        model.mkdir()
        artifact = self.serving.artifact
        if artifact is not None and artifact["CompressionType"] == "Gzip":
            transfer.extract(artifact["S3Uri"], model)
        elif artifact is not None:
            transfer.download_prefix(artifact["S3Uri"], model)
        return Blueprint(
            endpoint=self._endpoint,
            variant=self.name,
            image=find_image(self._region.cloud, self.serving.image_uri),
            workspace=self._workspace,
            code=self._fetch_code(transfer),
            environment=self._environment(),
            isolated=self.serving.isolated,
            health_check_seconds=float(
                self.config.get("ContainerStartupHealthCheckTimeoutInSeconds", _HEALTH_CHECK_SECONDS)
            ),
        )

    def _fetch_code(self, transfer: Transfer) -> str:
        """Where the program finds the inference code, as it sees the path."""
        folder = self.serving.environment.get("SAGEMAKER_SUBMIT_DIRECTORY", _DEFAULT_CODE).removeprefix("file://")
        if folder.startswith("s3://") and self.serving.isolated:
            raise JobFailedError(f"{folder} cannot be downloaded: the model has EnableNetworkIsolation.")
        if folder.startswith("s3://"):
            transfer.extract(folder, self._workspace / "ml" / "code")
            folder = "/opt/ml/code"
        if self._region.cloud.processes.namespaces or not folder.startswith("/opt/ml"):
            return folder
        return str(self._workspace / "ml") + folder.removeprefix("/opt/ml")

    def _environment(self) -> dict[str, str]:
        own = {} if self.serving.isolated else containers.credentials(self._region, self.serving.role_arn, self._arn)
        region = {"AWS_REGION": self._region.name, "AWS_DEFAULT_REGION": self._region.name}
        return {**own, **region, **_ONE_THREAD, **self.serving.environment}


class Fleet:
    """The variants of one configuration. Requests enter and leave it; it closes when the last one has left."""

    def __init__(self, region: Region, endpoint: str, config: Record) -> None:
        self.config_name = str(config["EndpointConfigName"])
        most = max(1, MOST_PROCESSES // len(config["ProductionVariants"]))
        self.variants = {
            each["VariantName"]: Variant(region, endpoint, each, most) for each in config["ProductionVariants"]
        }
        self._lock = threading.Condition()
        self._inside: dict[str, int] = dict.fromkeys(self.variants, 0)
        self._closed = False

    @property
    def instances(self) -> int:
        """How many instances the fleet is asked to have."""
        return sum(variant.desired_count for variant in self.variants.values())

    @property
    def role_arn(self) -> str:
        """The execution role of the fleet's first model."""
        return next(iter(self.variants.values())).serving.role_arn

    def start(self) -> None:
        """Every variant serves; when one cannot, none is left and its error is raised."""
        try:
            for variant in self.variants.values():
                variant.start()
        except Exception:
            self.close()
            raise

    def pick(self) -> Variant:
        """A variant by weight."""
        variants = list(self.variants.values())
        weights = [variant.weight for variant in variants]
        return random.choices(variants, weights if any(weights) else None)[0]

    def enter(self, variant: Variant) -> bool:
        """A request is inside until `leave`; False when the fleet closes. Raises ThrottledError."""
        with self._lock:
            if self._closed:
                return False
            if variant.serverless and self._inside[variant.name] >= int(variant.serverless["MaxConcurrency"]):
                raise ThrottledError(variant.name)
            self._inside[variant.name] += 1
            return True

    def leave(self, variant: Variant) -> None:
        """A request has left."""
        with self._lock:
            self._inside[variant.name] -= 1
            if self._closed:
                self._lock.notify_all()

    def close(self) -> None:
        """Every request inside has left (or had a minute to), and no process is left."""
        with self._lock:
            self._closed = True
            self._lock.wait_for(lambda: not any(self._inside.values()), _DRAIN_SECONDS)
        for variant in self.variants.values():
            variant.close()
