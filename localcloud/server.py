"""Puts the local cloud together, serves it on the loopback address, and takes it down again."""

import errno
import fcntl
import importlib
import json
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType, ModuleType
from typing import IO, TYPE_CHECKING

from localcloud import StartupError, admin, durability, failures, faults, iam, locks, safety, served
from localcloud.clients import ADMIN_KEY, Clients
from localcloud.clock import Clock
from localcloud.cloud import Cloud
from localcloud.connections import request_handler
from localcloud.durability.durable import Durable
from localcloud.durability.store import set_aside
from localcloud.faults import calls as faults_of_calls
from localcloud.patches import Patches
from localcloud.processes import Processes
from localcloud.safety import LOOPBACK
from localcloud.toolchain import Toolchain

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.serving import BaseWSGIServer

SERVICES = (
    "cloudtrail",
    "autoscaling",
    "s3",
    "dynamodb",
    "kms",
    "sqs",
    "sns",
    "cloudformation",
    "eventbridge",
    "s3_events",
    "stepfunctions",
    "cloudwatch",
    "lambda_",
    "sagemaker",
)
READY_FILE = "server.json"
_LOCK_FILE = "lock"
_NO_NAMESPACES = (
    "This host does not allow unprivileged user namespaces: user programs run without the paths that AWS gives them "
    "(/var/task, /opt, /opt/ml), through documented fallbacks where there are any."
)


@dataclass(frozen=True)
class Options:
    """How to start: `port` 0 takes any free one; `speed` is virtual seconds per real second, None what it was;
    `faults` a plan; `fresh` sets aside the state of an earlier run."""

    port: int
    state_dir: Path
    speed: float | None = None
    faults: Path | None = None
    fresh: bool = False


def run(options: Options) -> None:
    """The cloud has served until SIGTERM or SIGINT, and nothing of it is left. Raises StartupError."""
    started = time.time()
    options.state_dir.mkdir(parents=True, exist_ok=True)
    held = _hold(options.state_dir)
    (options.state_dir / READY_FILE).unlink(missing_ok=True)
    listener = _listen(options.port)
    port = int(listener.getsockname()[1])
    _set_environment(port)
    cloud = make_cloud(options, port)
    try:
        server = _make_server(build(cloud), listener)
        faults.install(cloud, options.faults)
        _load(cloud, options)
        _stop_on_signals(cloud, server)
        _say_ready(cloud, started)
        cloud.durable.start(cloud.stopping)
        server.serve_forever(poll_interval=0.2)
    finally:
        _stop(cloud)
        held.close()


def make_cloud(options: Options, port: int) -> Cloud:
    """A Cloud for this process whose services are not installed yet."""
    state_dir = options.state_dir.resolve()
    endpoint = f"http://{LOOPBACK}:{port}"
    cloud = Cloud(
        port=port,
        state_dir=state_dir,
        clock=Clock(options.speed or 1.0),
        toolchain=Toolchain(),
        processes=Processes(state_dir),
        clients=Clients(endpoint, Cloud.region),
        patches=Patches(),
        durable=Durable(_state_folder(state_dir, fresh=options.fresh), version("moto")),
    )
    if cloud.processes.reaped:
        cloud.notes.append(f"Ended {len(cloud.processes.reaped)} programs that an earlier local cloud had left behind.")
    if not cloud.processes.namespaces:
        cloud.notes.append(_NO_NAMESPACES)
    return cloud


def build(cloud: Cloud) -> "WSGIApplication":
    """All services are installed; the WSGI application: safety, admin, what is served, IAM, services, locks, moto."""
    app = locks.middleware(cloud.locks, failures.middleware(_moto()))
    modules = _service_modules()
    admin.install(cloud)
    iam.install(cloud)
    for module in modules:
        module.install(cloud)
    locks.install(cloud)
    durability.install(cloud)  # last, because it looks at what the services have replaced
    for module in reversed(modules):
        if hasattr(module, "middleware"):
            app = module.middleware(cloud, app)
    app = durability.middleware(cloud, app)
    app = iam.middleware(cloud, faults_of_calls.middleware(cloud, app))
    app = admin.middleware(cloud, served.middleware(app))
    return safety.middleware(failures.middleware(app), cloud.port)


def _state_folder(state_dir: Path, *, fresh: bool) -> Path:
    if fresh:
        aside = set_aside(state_dir)
        if aside is not None:
            print(f"The earlier state is now in {aside}.", flush=True)
    return state_dir / "state"


def _load(cloud: Cloud, options: Options) -> None:
    cloud.durable.load()
    if options.speed is not None and options.speed != cloud.clock.speed:
        cloud.clock.set_speed(options.speed)


def _service_modules() -> list[ModuleType]:
    return [importlib.import_module(f"localcloud.{name}") for name in SERVICES]


def _moto() -> "WSGIApplication":
    try:
        from moto.core.config import default_user_config
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    except ImportError as error:
        raise StartupError(f"{error}: run `make setup`, which installs the locked dependencies.") from error
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    default_user_config["iam"]["load_aws_managed_policies"] = True
    application: WSGIApplication = DomainDispatcherApplication(create_backend_app)
    return application


def _set_environment(port: int) -> None:
    """moto reads its settings from the environment; nothing of the user's own AWS settings may reach it."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID=ADMIN_KEY,
        AWS_SECRET_ACCESS_KEY=ADMIN_KEY,
        AWS_DEFAULT_REGION=Cloud.region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        MOTO_ACCOUNT_ID=Cloud.account,
        MOTO_PORT=str(port),
        MOTO_DISABLE_GLOBAL_CORS="true",
    )


def _hold(state_dir: Path) -> IO[str]:
    file = (state_dir / _LOCK_FILE).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise StartupError(f"A local cloud is already running with its state in {state_dir}: stop it first.") from error
    return file


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise StartupError(f"Port {port} cannot be used ({error.strerror}): choose another with --port.") from error
        raise
    listener.listen(512)
    return listener


def _make_server(app: "WSGIApplication", listener: socket.socket) -> "BaseWSGIServer":
    from werkzeug.serving import make_server

    host, port = listener.getsockname()
    return make_server(host, port, app, threaded=True, request_handler=request_handler(), fd=listener.fileno())


def _stop_on_signals(cloud: Cloud, server: "BaseWSGIServer") -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        cloud.stopping.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _say_ready(cloud: Cloud, started: float) -> None:
    ready = {"pid": os.getpid(), "port": cloud.port, "endpoint": cloud.endpoint}
    partial = cloud.state_dir / f"{READY_FILE}.part"
    partial.write_text(json.dumps(ready))
    partial.replace(cloud.state_dir / READY_FILE)
    for note in cloud.notes:
        print(note, flush=True)
    print(f"The local cloud answers at {cloud.endpoint} (started in {time.time() - started:.1f} s).", flush=True)


def _stop(cloud: Cloud) -> None:
    cloud.stopping.set()
    cloud.clock.wake()
    (cloud.state_dir / READY_FILE).unlink(missing_ok=True)
    cloud.processes.stop_all()
    cloud.durable.close()
