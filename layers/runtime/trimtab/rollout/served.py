"""Names of what one promotion makes in SageMaker: the same at every step and every retry."""

from trimtab.contracts import Promotion, Staging
from trimtab.names import ModelNames


def served_name(promotion: Promotion, names: ModelNames) -> str:
    """Name of the promotion's SageMaker model, and of its endpoint config in production."""
    return names.served(promotion.version, promotion.tag)


def staging_of(promotion: Promotion, names: ModelNames) -> Staging:
    """The staging endpoint. It serves the very SageMaker model that production will serve."""
    return Staging(
        endpoint=names.staging_endpoint,
        config=names.served(promotion.version, promotion.tag, "staging"),
        sagemaker_model=served_name(promotion, names),
    )
