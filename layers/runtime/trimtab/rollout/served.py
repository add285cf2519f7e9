"""Names of what one promotion makes in SageMaker: the same at every step and every retry."""

from trimtab.contracts import Promotion, Staging
from trimtab.names import ModelNames


def served_name(promotion: Promotion, names: ModelNames) -> str:
    """Name of the promotion's SageMaker model, and of its endpoint config in production."""
    return names.served(promotion.version, promotion.tag)


def staging_of(promotion: Promotion, names: ModelNames, *, own_model: bool = False) -> Staging:
    """The staging endpoint. It serves the very SageMaker model that production will serve, or one ``own_model``.

    A serverless endpoint cannot serve a model that is isolated from the network; its own one serves the same artifact.
    """
    config = names.served(promotion.version, promotion.tag, "staging")
    model = config if own_model else served_name(promotion, names)
    return Staging(endpoint=names.staging_endpoint, config=config, sagemaker_model=model)
