"""The Signer contract, on KMS (moto) and on the fake."""

import hashlib
from collections.abc import Iterator

import boto3
import pytest

from tests.fakes import HashSigner
from trimtab.aws.signing import KmsSigner
from trimtab.ports import Signer

DIGEST = hashlib.sha256(b"manifest").digest()


@pytest.fixture(params=["kms", "memory"])
def signer(request: pytest.FixtureRequest, aws: None) -> Iterator[Signer]:
    if request.param == "memory":
        yield HashSigner()
        return
    kms = boto3.client("kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
    yield KmsSigner(kms, key)


def test_a_signature_belongs_to_its_digest(signer: Signer) -> None:
    signature = signer.sign(DIGEST)
    assert signer.verify(DIGEST, signature)
    assert not signer.verify(hashlib.sha256(b"another manifest").digest(), signature)


def test_a_signature_fits_into_a_package_property(signer: Signer) -> None:
    assert 0 < len(signer.sign(DIGEST)) <= 256


@pytest.mark.parametrize("nonsense", ["", "not base64!", "AAAA"])
def test_what_is_no_signature_verifies_nothing(signer: Signer, nonsense: str) -> None:
    assert not signer.verify(DIGEST, nonsense)
