"""The environment variables of an execution environment, built from nothing: none of the host's gets in."""

from dataclasses import dataclass

from localcloud.clients import Credentials
from localcloud.lambda_.specification import FunctionSpec

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RESERVED_NAMES = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    ]
)


@dataclass(frozen=True)
class Places:
    """Where the parts of an environment are, as the function sees them."""

    task: str
    layers: str
    runtime: str
    temporary: str
    overlay: str | None = None


@dataclass(frozen=True)
class Wiring:
    """How a process reaches what is outside of it."""

    runtime_api: str
    telemetry_descriptor: int
    endpoint: str
    xray_address: str
    log_stream: str
    credentials: Credentials


def environment_variables(spec: FunctionSpec, places: Places, wiring: Wiring) -> dict[str, str]:
    """Everything AWS sets, the function's own variables over what may be overridden, and the path of the packages."""
    variables = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": places.temporary,
        "TMPDIR": places.temporary,
        "PATH": f"/usr/local/bin:/usr/bin:/bin:{places.layers}/bin",
        "LD_LIBRARY_PATH": f"{places.runtime}:{places.task}:{places.task}/lib:{places.layers}/lib",
        "AWS_ENDPOINT_URL": wiring.endpoint,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": wiring.xray_address,
        **dict(spec.variables),
        **_fixed_variables(spec, places, wiring),
    }
    own_path = dict(spec.variables).get("PYTHONPATH")
    paths = [*_package_paths(spec, places), *([own_path] if own_path else [])]
    return variables | {"PYTHONPATH": ":".join(paths), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _fixed_variables(spec: FunctionSpec, places: Places, wiring: Wiring) -> dict[str, str]:
    xray_host, _, xray_port = wiring.xray_address.partition(":")
    return {
        "_HANDLER": spec.handler,
        "_AWS_XRAY_DAEMON_ADDRESS": xray_host,
        "_AWS_XRAY_DAEMON_PORT": xray_port,
        "_LAMBDA_TELEMETRY_LOG_FD": str(wiring.telemetry_descriptor),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
        "AWS_REGION": spec.region,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": wiring.log_stream,
        "AWS_LAMBDA_RUNTIME_API": wiring.runtime_api,
        "LAMBDA_TASK_ROOT": places.task,
        "LAMBDA_RUNTIME_DIR": places.runtime,
        **_log_variables(spec),
        **_credential_variables(wiring.credentials),
    }


def _log_variables(spec: FunctionSpec) -> dict[str, str]:
    variables = {"AWS_LAMBDA_LOG_FORMAT": spec.log.log_format}
    if spec.log.application_level:
        variables["AWS_LAMBDA_LOG_LEVEL"] = spec.log.application_level
    return variables


def _credential_variables(credentials: Credentials) -> dict[str, str]:
    variables = {"AWS_ACCESS_KEY_ID": credentials.access_key, "AWS_SECRET_ACCESS_KEY": credentials.secret_key}
    return variables | ({"AWS_SESSION_TOKEN": credentials.token} if credentials.token else {})


def _package_paths(spec: FunctionSpec, places: Places) -> list[str]:
    """The order of Lambda's sys.path: code, layers, runtime; the overlay stands before what it replaces."""
    version = spec.runtime.removeprefix("python")
    layers = [f"{places.layers}/python/lib/python{version}/site-packages", f"{places.layers}/python"]
    overlay = [places.overlay] if places.overlay else []
    return [*overlay, places.task, *layers, places.runtime]
