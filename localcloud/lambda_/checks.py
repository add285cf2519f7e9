"""What is refused when a function is created or updated: what AWS refuses, and what the local cloud cannot run."""

from collections.abc import Callable
from typing import Any
from zipfile import BadZipFile

from localcloud.lambda_.assets import UNZIPPED_LIMIT_BYTES
from localcloud.lambda_.destinations import SUPPORTED_SERVICES
from localcloud.lambda_.specification import LATEST
from localcloud.lambda_.variables import RESERVED_NAMES

MOST_LAYERS = 5
VARIABLES_LIMIT_BYTES = 4096
MEMORY_MB = range(128, 10_241)
TIMEOUT_SECONDS = range(1, 901)
NOT_SUPPORTED = {
    "FileSystemConfigs": "file systems",
    "ImageConfig": "container images",
    "CodeSigningConfigArn": "code signing",
    "CapacityProviderConfig": "capacity providers",
    "DurableConfig": "durable functions",
    "TenancyConfig": "tenant isolation",
}


class Refused(Exception):
    """A configuration that AWS refuses with InvalidParameterValueException; the message is AWS's where it has one."""


def check_supported(given: dict[str, Any]) -> None:
    """Raises NotImplementedError for a part of a create or update request that would be recorded and then ignored."""
    if given.get("PackageType", "Zip") != "Zip":
        raise NotImplementedError("functions from container images; use a zip file and a Python runtime")
    for name, meaning in NOT_SUPPORTED.items():
        if given.get(name):
            raise NotImplementedError(f"{meaning} ({name})")
    if (given.get("SnapStart") or {}).get("ApplyOn", "None") != "None":
        raise NotImplementedError("SnapStart")


def check_configuration(given: dict[str, Any]) -> None:
    """Raises Refused for values of a create or update request outside AWS's limits."""
    _check_range("memorySize", given.get("MemorySize"), MEMORY_MB)
    _check_range("timeout", given.get("Timeout"), TIMEOUT_SECONDS)
    _check_variables((given.get("Environment") or {}).get("Variables") or {})
    layers = given.get("Layers") or []
    if len(layers) > MOST_LAYERS:
        raise Refused(f"Layers: a function can have up to {MOST_LAYERS} layers, not {len(layers)}.")


def check_size(measure: Callable[[], int]) -> None:
    """Raises Refused when code and layers together are larger than a function may be, or are not zip files."""
    try:
        total = measure()
    except BadZipFile as error:
        message = f"Could not unzip uploaded file. Please check your file, then try to upload again. ({error})"
        raise Refused(message) from error
    if total > UNZIPPED_LIMIT_BYTES:
        raise Refused(
            f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED_LIMIT_BYTES} bytes. "
            f"The actual size is {total} bytes."
        )


def check_destinations(config: dict[str, Any]) -> None:
    """Raises NotImplementedError for a destination that nothing can be sent to."""
    for one in (config.get("DestinationConfig") or {}).values():
        arn = (one or {}).get("Destination")
        if arn and arn.split(":")[2] not in SUPPORTED_SERVICES:
            raise NotImplementedError(f"the destination {arn}; there are {', '.join(SUPPORTED_SERVICES)}")


def additional_weights(routing: dict[str, Any] | None) -> dict[str, float]:
    """The versions that an alias sends a part of its invocations to, and which part."""
    return (routing or {}).get("AdditionalVersionWeights") or {}


def check_routing(routing: dict[str, Any] | None, version: str) -> None:
    """Raises Refused when an alias of `version` cannot share its traffic as its RoutingConfig says."""
    weights = additional_weights(routing)
    if len(weights) > 1:
        raise Refused("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other, weight in weights.items():
        if not 0 <= weight <= 1:
            raise Refused(
                f"1 validation error detected: Value '{{{other}={weight}}}' at "
                "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy "
                "constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or "
                "equal to 0.0, Member must not be null]"
            )
        if LATEST in (version, other):
            raise Refused(f"{LATEST} is not supported for an alias pointing to more than 1 version")
        if other == version:
            raise Refused(
                f"Invalid function version {version}. Function version {version} is already included in routing "
                "configuration."
            )


def _check_range(name: str, value: Any, allowed: range) -> None:
    if value is not None and int(value) not in allowed:
        bound, limit = ("greater", allowed[0]) if int(value) < allowed[0] else ("less", allowed[-1])
        raise Refused(
            f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
            f"Member must have value {bound} than or equal to {limit}"
        )


def _check_variables(variables: dict[str, str]) -> None:
    refused = "Lambda was unable to configure your environment variables because the environment variables you have "
    reserved = sorted(set(variables) & RESERVED_NAMES)
    if reserved:
        raise Refused(
            f"{refused}provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    size = sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items())
    if size > VARIABLES_LIMIT_BYTES:
        raise Refused(f"{refused}provided exceeded the 4KB limit. String measured: {size} bytes")
