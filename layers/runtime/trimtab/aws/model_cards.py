"""SageMaker's model cards behind the ModelCards port."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.errors import ServiceRefused


class SageMakerModelCards:
    """Cards of the account."""

    def __init__(self, sagemaker: Any) -> None:
        self._sagemaker = sagemaker

    @classmethod
    def connect(cls) -> "SageMakerModelCards":
        """With this process's client."""
        return cls(client("sagemaker"))

    def create(self, name: str, content: str, key_id: str, tags: Mapping[str, str]) -> str:
        """SageMaker checks the content against its own schema of cards. Raises ServiceRefused."""
        security = {"SecurityConfig": {"KmsKeyId": key_id}} if key_id else {}
        try:
            made = self._sagemaker.create_model_card(
                ModelCardName=name,
                Content=content,
                ModelCardStatus="PendingReview",
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                **security,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise ServiceRefused(f"SageMaker keeps no model card: {error}") from error
            made = self._sagemaker.describe_model_card(ModelCardName=name)
        return str(made["ModelCardArn"])
