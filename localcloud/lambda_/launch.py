"""How a function's process is started: what it sees where, and with which interpreter and packages."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from localcloud.clients import Credentials
from localcloud.cloud import Cloud
from localcloud.lambda_.assets import Assets
from localcloud.lambda_.environment import Environment
from localcloud.lambda_.overlay import BinaryPackage, binary_packages, make_overlay, unloadable
from localcloud.lambda_.runtimes import LambdaRuntime
from localcloud.lambda_.specification import FunctionSpec
from localcloud.lambda_.variables import Places, Wiring, environment_variables
from localcloud.processes import Limits, Mounts

SERVICE_PRINCIPAL = "lambda.amazonaws.com"
OPEN_FILES = 1024  # the quota of AWS
RETIRE_BEFORE_EXPIRY_SECONDS = 600
_NICENESS = 5
_ISOLATED_PLACES = Places("/var/task", "/opt", "/var/runtime", "/tmp")
_OVERLAY_PLACE = "/var/overlay"


@dataclass(frozen=True)
class Package:
    """A function's code and layers on disk, and the interpreter that can run them."""

    runtime: LambdaRuntime
    task: Path
    layers: Path
    overlay: Path | None


class Launcher:
    """Starts execution environments."""

    def __init__(self, cloud: Cloud, assets: Assets, xray_address: str) -> None:
        self._cloud = cloud
        self._assets = assets
        self._xray_address = xray_address
        folder = cloud.state_dir / "lambda"
        shutil.rmtree(folder, ignore_errors=True)
        self._temporary = folder / "environments"
        self._temporary.mkdir(parents=True)
        self._overlays = Assets(folder / "overlays", cloud.processes)

    def package(self, spec: FunctionSpec) -> Package:
        """Everything on disk is ready, with bytecode. Raises LookupError or OverlayError when it cannot be run."""
        runtime = self._cloud.toolchain.lambda_runtime(spec.runtime)
        unzipped = [self._assets.unzipped(digest) for digest in (spec.code, *spec.layers)]
        packages = [package for folder in unzipped for package in binary_packages(folder)]
        if unloadable(packages, runtime.version):
            runtime = self._cloud.toolchain.own_lambda_runtime(spec.runtime)
        overlay = self._overlay(unloadable(packages, runtime.version))
        task = self._assets.code(spec.code, runtime)
        return Package(runtime, task, self._assets.merged(spec.layers, runtime), overlay)

    def start(self, spec: FunctionSpec) -> Environment:
        """A process for the function has been started. Raises what `package` raises, and botocore's ClientError when
        Lambda may not assume the function's role."""
        package = self.package(spec)
        credentials = self._cloud.clients.role_credentials(spec.role, SERVICE_PRINCIPAL, spec.name)
        identity = uuid.uuid4().hex
        temporary = self._temporary / identity
        temporary.mkdir()
        environment = Environment(
            self._cloud.processes,
            spec.memory_mb,
            log_stream(spec, identity, f"{self._cloud.clock.utcnow():%Y/%m/%d}"),
            temporary,
            credentials.access_key,
            credentials.expires_at - RETIRE_BEFORE_EXPIRY_SECONDS,
        )
        try:
            environment.start(
                lambda output, telemetry: self._spawn(spec, package, environment, credentials, output, telemetry)
            )
        except BaseException:
            environment.close()
            raise
        return environment

    def _overlay(self, missing: list[BinaryPackage]) -> Path | None:
        if not missing:
            return None
        name = hashlib.sha256(repr(sorted((one.name, one.version) for one in missing)).encode()).hexdigest()[:24]
        return self._overlays.derived(name, lambda folder: make_overlay(missing, folder))

    def _spawn(
        self,
        spec: FunctionSpec,
        package: Package,
        environment: Environment,
        credentials: Credentials,
        output: int,
        telemetry: int,
    ) -> "Popen[bytes]":
        isolated = self._cloud.processes.namespaces
        places = _isolated_places(package) if isolated else _plain_places(package, environment.temporary)
        wiring = Wiring(
            environment.address,
            telemetry,
            self._cloud.endpoint,
            self._xray_address,
            environment.log_stream,
            credentials,
        )
        return self._cloud.processes.spawn(
            [str(package.runtime.python), "-S", "-m", "awslambdaric", spec.handler],
            env=environment_variables(spec, places, wiring),
            cwd=Path(places.task),
            mounts=mounts_of(package, environment.temporary) if isolated else None,
            stdout=output,
            pass_fds=(telemetry,),
            nice=_NICENESS,
            limits=Limits(file_size_bytes=spec.ephemeral_mb << 20, open_files=OPEN_FILES),
        )


def log_stream(spec: FunctionSpec, identity: str, day: str) -> str:
    """The name of an environment's log stream; it has the function's name in a log group that functions may share."""
    name = spec.name if spec.log.custom_group else ""
    return f"{day}/{name}[{spec.version}]{identity}"


def _isolated_places(package: Package) -> Places:
    if package.overlay is None:
        return _ISOLATED_PLACES
    return Places("/var/task", "/opt", "/var/runtime", "/tmp", _OVERLAY_PLACE)


def _plain_places(package: Package, temporary: Path) -> Places:
    overlay = str(package.overlay) if package.overlay else None
    runtime = package.runtime
    return Places(str(package.task), str(package.layers), str(runtime.var_runtime), str(temporary), overlay)


def mounts_of(package: Package, temporary: Path) -> Mounts:
    """The paths of AWS; what an interpreter needs below /opt, /tmp or /var stays where it is."""
    binds = [(package.task, "/var/task", True), (package.runtime.var_runtime, "/var/runtime", True)]
    if package.overlay is not None:
        binds.append((package.overlay, _OVERLAY_PLACE, True))
    kept = list(_host_folders(package))
    tmpfs = ["/var"]
    if any(path.is_relative_to("/opt") for path in kept):
        tmpfs.append("/opt")
        binds += [(entry, f"/opt/{entry.name}", True) for entry in sorted(package.layers.iterdir())]
    else:
        binds.append((package.layers, "/opt", True))
    binds.append((temporary, "/tmp", False))
    for path in kept:
        if path.is_relative_to("/tmp"):
            (temporary / path.relative_to("/tmp")).mkdir(parents=True, exist_ok=True)
        binds.append((path, str(path), True))
    return Mounts(tuple(binds), tuple(tmpfs))


def _host_folders(package: Package) -> Iterator[Path]:
    """Folders of this machine that the process reads and that AWS's paths would hide."""
    folders = {package.runtime.python.resolve().parent.parent}
    if package.overlay is not None:
        folders |= {Path(os.readlink(link)).parent for link in package.overlay.iterdir()}
    for folder in sorted(folders):
        if any(folder.is_relative_to(hidden) for hidden in ("/opt", "/tmp", "/var")):
            yield folder
