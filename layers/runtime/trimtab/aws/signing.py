"""KMS behind the Signer port: an asymmetric P-256 key that never leaves KMS."""

import base64
import binascii
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client

_ALGORITHM = "ECDSA_SHA_256"


class KmsSigner:
    """Signs with one key (an id, ARN or alias)."""

    def __init__(self, kms: Any, key_id: str) -> None:
        self._kms = kms
        self._request = {"KeyId": key_id, "MessageType": "DIGEST", "SigningAlgorithm": _ALGORITHM}

    @classmethod
    def connect(cls, key_id: str) -> "KmsSigner":
        """With this process's client."""
        return cls(client("kms"), key_id)

    def sign(self, digest: bytes) -> str:
        found = self._kms.sign(Message=digest, **self._request)
        return base64.b64encode(found["Signature"]).decode()

    def verify(self, digest: bytes, signature: str) -> bool:
        """False for another digest's signature and for what is no signature at all."""
        try:
            raw = base64.b64decode(signature, validate=True)
            request = {"Message": digest, "Signature": raw, **self._request}
            return bool(raw) and bool(self._kms.verify(**request)["SignatureValid"])
        except binascii.Error:
            return False
        except ClientError as error:
            if error.response["Error"]["Code"] == "KMSInvalidSignatureException":
                return False
            raise
