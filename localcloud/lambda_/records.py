"""From moto's record of a function to what fixes its execution environment."""

from typing import Any

from localcloud.lambda_.specification import FunctionSpec, LogSettings

# what moto drops of a function's configuration, with AWS's default
KEPT_PROPERTIES: dict[str, Any] = {"LoggingConfig": None, "DeadLetterConfig": None}
_ATTRIBUTE = "localcloud_configuration"


def keep_configuration(function: Any, given: dict[str, Any]) -> None:
    """What moto drops of a create or update request is kept with the function."""
    kept = {**getattr(function, _ATTRIBUTE, {})}
    kept.update({name: given[name] for name in KEPT_PROPERTIES if name in given})
    setattr(function, _ATTRIBUTE, kept)
    if "TracingConfig" in given:
        function.tracing_config = given["TracingConfig"]
    if "EphemeralStorage" in given:
        function.ephemeral_storage = given["EphemeralStorage"]["Size"]


def kept_configuration(function: Any) -> dict[str, Any]:
    """The kept part of a function's configuration, as GetFunctionConfiguration gives it."""
    kept = getattr(function, _ATTRIBUTE, {})
    logging = {"LogFormat": "Text", "LogGroup": function.logs_group_name, **(kept.get("LoggingConfig") or {})}
    if logging["LogFormat"] == "JSON":
        logging = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", **logging}
    configuration: dict[str, Any] = {"LoggingConfig": logging}
    if dead_letter_arn(function):
        configuration["DeadLetterConfig"] = kept["DeadLetterConfig"]
    return configuration


def dead_letter_arn(function: Any) -> str | None:
    """The target of a function's DeadLetterConfig."""
    config = getattr(function, _ATTRIBUTE, {}).get("DeadLetterConfig") or {}
    return config.get("TargetArn") or None


def specification(function: Any, layers: tuple[str, ...], code: str) -> FunctionSpec:
    """The specification of a function's version; `code` and `layers` are digests of assets."""
    configuration = kept_configuration(function)["LoggingConfig"]
    return FunctionSpec(
        account=function.account_id,
        region=function.region,
        name=function.function_name,
        version=str(function.version),
        arn=function.function_arn,
        runtime=function.run_time,
        architecture=function.architectures[0],
        handler=function.handler,
        role=function.role,
        memory_mb=int(function.memory_size),
        timeout_seconds=float(function.timeout),
        ephemeral_mb=int(function.ephemeral_storage),
        variables=tuple(sorted((str(name), str(value)) for name, value in (function.environment_vars or {}).items())),
        code=code,
        layers=layers,
        log=LogSettings(
            configuration["LogGroup"],
            configuration["LogFormat"],
            configuration.get("ApplicationLogLevel"),
            configuration.get("SystemLogLevel"),
            custom_group=configuration["LogGroup"] != function.logs_group_name,
        ),
        traced=(function.tracing_config or {}).get("Mode") == "Active",
    )
