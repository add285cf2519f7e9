"""Trimtab's own requests to production, marked by their inference id."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_ONCE = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=2,
    read_timeout=5,
    user_agent_extra="trimtab",
)
"""Without retries, and impatient: what they meet is counted by CloudWatch, not here."""


class SyntheticRequests:
    """Requests by InvokeEndpoint."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    @classmethod
    def connect(cls) -> "SyntheticRequests":
        """With a client that asks once."""
        return cls(boto3.client("sagemaker-runtime", config=_ONCE))

    def ask(self, endpoint: str, body: bytes, inference_id: str) -> bool:
        kind = "application/jsonlines"
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=endpoint, Body=body, ContentType=kind, Accept=kind, InferenceId=inference_id
            )
            answer["Body"].read()
        except (ClientError, BotoCoreError):
            return False
        return True
