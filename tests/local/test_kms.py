"""KMS keys do cryptography only while they are enabled."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud

USES: dict[str, Callable[[Any, str, bytes], Any]] = {
    "encrypt": lambda kms, key, _blob: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "decrypt": lambda kms, _key, blob: kms.decrypt(CiphertextBlob=blob),
    "generate_data_key": lambda kms, key, _blob: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
}


@pytest.mark.parametrize("use", USES)
def test_a_disabled_key_does_nothing_until_it_is_enabled_again(cloud: LocalCloud, use: str) -> None:
    kms = cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError) as refused:
        USES[use](kms, key, blob)
    assert refused.value.response["Error"]["Code"] == "DisabledException"
    kms.enable_key(KeyId=key)
    USES[use](kms, key, blob)


def test_a_key_pending_deletion_does_nothing(cloud: LocalCloud) -> None:
    kms = cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(ClientError) as refused:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    assert refused.value.response["Error"]["Code"] == "KMSInvalidStateException"


def test_a_disabled_signing_key_neither_signs_nor_verifies(cloud: LocalCloud) -> None:
    kms = cloud.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    given = {"KeyId": key, "Message": b"manifest", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**given)["Signature"]
    assert kms.verify(**given, Signature=signature)["SignatureValid"]
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError, match="disabled"):
        kms.sign(**given)
    with pytest.raises(ClientError, match="disabled"):
        kms.verify(**given, Signature=signature)
