"""What fixes an execution environment: two invocations of one specification may share a process."""

from dataclasses import dataclass

LATEST = "$LATEST"


@dataclass(frozen=True)
class LogSettings:
    """Where a function logs and how, from its LoggingConfig."""

    group: str
    log_format: str = "Text"
    application_level: str | None = None
    system_level: str | None = None
    custom_group: bool = False


@dataclass(frozen=True)
class FunctionSpec:
    """One version of one function. `code` and `layers` are sha256 digests of zip files, layers in their order."""

    account: str
    region: str
    name: str
    version: str
    arn: str
    runtime: str
    architecture: str
    handler: str
    role: str
    memory_mb: int
    timeout_seconds: float
    ephemeral_mb: int
    variables: tuple[tuple[str, str], ...]
    code: str
    layers: tuple[str, ...]
    log: LogSettings
    traced: bool

    @property
    def function_arn(self) -> str:
        """The function's ARN without a version."""
        return ":".join(self.arn.split(":")[:7])
