"""Secrets that lie in Systems Manager's parameter store."""

from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.errors import SettingsError


class SecureParameters:
    """Parameters of the type SecureString."""

    def __init__(self, ssm: Any) -> None:
        self._ssm = ssm

    @classmethod
    def connect(cls) -> "SecureParameters":
        """With this process's client."""
        return cls(client("ssm"))

    def read(self, name: str) -> str:
        """Its text. Raises SettingsError for one that is not there, or lies there for all to read."""
        try:
            found = self._ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            raise SettingsError(f"there is no parameter {name}: aws ssm put-parameter --type SecureString") from error
        if found["Type"] != "SecureString":
            raise SettingsError(f"the parameter {name} is not encrypted: write it as SecureString, and change its keys")
        return str(found["Value"])
