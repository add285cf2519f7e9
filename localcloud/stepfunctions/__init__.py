"""Step Functions: moto's engine for the Amazon States Language, made the deployed truth."""

from localcloud.cloud import Cloud


def install(cloud: Cloud) -> None:
    """State machines run: with their role, on the virtual clock, with events, SageMaker and honest refusals."""
    from localcloud.stepfunctions import distributed_map, engine, integrations, operations, redrive

    for part in (engine, integrations, redrive, distributed_map, operations):
        part.install(cloud)
