"""Lambda: functions run in warm child processes through AWS's own runtime client."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.cloud import Cloud


def install(cloud: "Cloud") -> None:
    """Functions in moto's records are executed; what cannot be executed is refused when it is created."""
    from localcloud.lambda_.service import install as install_service

    install_service(cloud)
