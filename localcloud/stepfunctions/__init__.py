"""Step Functions: moto's engine for the Amazon States Language, made the deployed truth."""

from localcloud.cloud import Cloud


def install(cloud: Cloud) -> None:
    """State machines run: with their role, on the virtual clock, with events, SageMaker and honest refusals."""
    from localcloud.stepfunctions.engine import install as install_engine
    from localcloud.stepfunctions.executions import install as install_executions
    from localcloud.stepfunctions.integrations import install as install_integrations

    install_engine(cloud)
    install_integrations(cloud)
    install_executions(cloud)
