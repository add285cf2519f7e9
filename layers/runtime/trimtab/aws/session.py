"""boto3 clients, made once per process and only when asked for."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 6}, user_agent_extra="trimtab")


@cache
def client(service: str) -> Any:
    """The client of ``service`` for this process."""
    return boto3.client(service, config=_CONFIG)
