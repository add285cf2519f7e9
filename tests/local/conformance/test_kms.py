"""KMS: key states, encryption contexts, grants and ViaService, also where other services use a key."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from .account import Account, allow
from .identities import code_of

pytestmark = pytest.mark.kms


@pytest.fixture
def key(account: Account) -> str:
    return new_key(account)


def new_key(account: Account, **settings: Any) -> str:
    """The ARN of a new key, which is deleted in a week."""
    kms = account.client("kms")
    arn = str(kms.create_key(**settings)["KeyMetadata"]["Arn"])
    account.later(_delete, kms=kms, key=arn)
    return arn


def _delete(kms: Any, key: str) -> None:
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


USES: dict[str, Callable[[Any, str, bytes], Any]] = {
    "encrypt": lambda kms, key, _blob: kms.encrypt(KeyId=key, Plaintext=b"x"),
    "decrypt": lambda kms, _key, blob: kms.decrypt(CiphertextBlob=blob),
    "generate_data_key": lambda kms, key, _blob: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "re_encrypt": lambda kms, key, blob: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key),
}


@pytest.mark.parametrize("use", USES)
def test_a_disabled_key_does_nothing_until_it_is_enabled_again(account: Account, key: str, use: str) -> None:
    kms = account.client("kms")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError, match="disabled") as refused:
        USES[use](kms, key, blob)
    assert refused.value.response["Error"]["Code"] == "DisabledException"
    kms.enable_key(KeyId=key)
    USES[use](kms, key, blob)


def test_a_key_pending_deletion_does_nothing_until_the_deletion_is_cancelled(account: Account, key: str) -> None:
    kms = account.client("kms")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert code_of(kms.encrypt, KeyId=key, Plaintext=b"x") == "KMSInvalidStateException"
    assert code_of(kms.enable_key, KeyId=key) == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    assert code_of(kms.encrypt, KeyId=key, Plaintext=b"x") == "DisabledException"
    kms.enable_key(KeyId=key)
    kms.encrypt(KeyId=key, Plaintext=b"x")


def test_a_disabled_signing_key_neither_signs_nor_verifies(account: Account) -> None:
    kms, key = account.client("kms"), new_key(account, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    given = {"KeyId": key, "Message": b"manifest", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**given)["Signature"]
    assert kms.verify(**given, Signature=signature)["SignatureValid"]
    tampered = given | {"Message": b"manifesT"}
    assert code_of(kms.verify, **tampered, Signature=signature) == "KMSInvalidSignatureException"
    kms.disable_key(KeyId=key)
    assert code_of(kms.sign, **given) == "DisabledException"
    assert code_of(kms.verify, **given, Signature=signature) == "DisabledException"


@pytest.mark.parametrize(
    ("spec", "algorithm", "padded"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256", ec.ECDSA(hashes.SHA256())),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", (padding.PKCS1v15(), hashes.SHA256())),
    ],
)
def test_the_signature_of_a_digest_is_that_of_its_message_to_everybody(
    account: Account, spec: str, algorithm: str, padded: Any
) -> None:
    kms, key = account.client("kms"), new_key(account, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    given = {"KeyId": key, "SigningAlgorithm": algorithm}
    digest = hashlib.sha256(b"manifest").digest()
    signature = kms.sign(Message=digest, MessageType="DIGEST", **given)["Signature"]
    assert kms.verify(Message=b"manifest", MessageType="RAW", Signature=signature, **given)["SignatureValid"]
    public: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    public.verify(signature, b"manifest", *(padded if isinstance(padded, tuple) else (padded,)))
    assert code_of(kms.sign, Message=b"short", MessageType="DIGEST", **given) == "ValidationException"


def test_what_was_encrypted_with_a_context_is_decrypted_with_it_only(account: Account, key: str) -> None:
    kms, context = account.client("kms"), {"dataset": "flights", "version": "1"}
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
    assert code_of(kms.decrypt, CiphertextBlob=blob) == "InvalidCiphertextException"
    other = context | {"version": "2"}
    assert code_of(kms.decrypt, CiphertextBlob=blob, EncryptionContext=other) == "InvalidCiphertextException"


def test_a_policy_can_ask_for_an_encryption_context(account: Account, key: str) -> None:
    asked = {"StringEquals": {"kms:EncryptionContext:dataset": "flights"}}
    kms = account.as_role("kms", allow("kms:Encrypt", on=key, Condition=asked))
    kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"dataset": "flights"})
    assert code_of(kms.encrypt, KeyId=key, Plaintext=b"x") == "AccessDeniedException"
    refused = code_of(kms.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext={"dataset": "trips"})
    assert refused == "AccessDeniedException"


def test_an_alias_leads_to_its_key(account: Account, key: str) -> None:
    kms, alias = account.client("kms"), f"alias/{account.unique('key')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    account.later(kms.delete_alias, AliasName=alias)
    holder = account.as_role("kms", allow("kms:Encrypt", on=key))
    assert account.wait_until(lambda: not code_of(holder.encrypt, KeyId=alias, Plaintext=b"x"))
    other = account.as_role("kms", allow("kms:Encrypt", on=f"{key}0"))
    assert code_of(other.encrypt, KeyId=alias, Plaintext=b"x") == "AccessDeniedException"


def test_a_key_policy_that_leaves_out_the_account_locks_identity_policies_out(account: Account) -> None:
    one = account.role("ec2.amazonaws.com")
    administer = ["kms:DescribeKey", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:Encrypt"]
    caller = account.client("sts").get_caller_identity()["Arn"]
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": caller}, "Action": administer, "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": one}, "Action": "kms:Encrypt", "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    locked = new_key(account, Policy=policy, BypassPolicyLockoutSafetyCheck=True)
    other = account.as_role("kms", allow("kms:*"))
    assert code_of(other.encrypt, KeyId=locked, Plaintext=b"x") == "AccessDeniedException"


# grants --------------------------------------------------------------------------------------------------------------


def test_a_grant_allows_its_operations_until_it_is_revoked(account: Account, key: str) -> None:
    kms, (arn, holder) = account.client("kms"), granted_role(account)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert code_of(holder.decrypt, CiphertextBlob=blob) == "AccessDeniedException"
    grant = kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"])
    assert account.wait_until(lambda: not code_of(holder.decrypt, CiphertextBlob=blob))
    assert code_of(holder.encrypt, KeyId=key, Plaintext=b"x") == "AccessDeniedException"
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert account.wait_until(lambda: code_of(holder.decrypt, CiphertextBlob=blob)) == "AccessDeniedException"


def test_a_grant_can_be_bound_to_an_encryption_context(account: Account, key: str) -> None:
    kms, (arn, holder) = account.client("kms"), granted_role(account)
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=arn,
        Operations=["Encrypt"],
        Constraints={"EncryptionContextSubset": {"dataset": "flights"}},
    )
    context = {"dataset": "flights", "more": "1"}
    given = {"KeyId": key, "Plaintext": b"x"}
    assert account.wait_until(lambda: not code_of(holder.encrypt, **given, EncryptionContext=context))
    assert code_of(holder.encrypt, **given) == "AccessDeniedException"
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=arn,
        Operations=["GenerateDataKey"],
        Constraints={"EncryptionContextEquals": {"dataset": "flights"}},
    )
    exact = {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": {"dataset": "flights"}}
    assert account.wait_until(lambda: not code_of(holder.generate_data_key, **exact))
    refused = code_of(holder.generate_data_key, **exact | {"EncryptionContext": context})
    assert refused == "AccessDeniedException"


def test_a_deny_in_a_policy_outweighs_a_grant(account: Account, key: str) -> None:
    kms, deny = account.client("kms"), allow("kms:Decrypt") | {"Effect": "Deny"}
    arn, holder = granted_role(account, deny)
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt", "Encrypt"])
    assert account.wait_until(lambda: not code_of(holder.encrypt, KeyId=key, Plaintext=b"x"))
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert code_of(holder.decrypt, CiphertextBlob=blob) == "AccessDeniedException"


def granted_role(account: Account, *statements: dict[str, Any]) -> tuple[str, Any]:
    """The ARN of a role with these statements only, and its KMS client."""
    arn = account.role("ec2.amazonaws.com", *statements, Principal={"AWS": f"arn:aws:iam::{account.number}:root"})
    return arn, account.client_of(arn, "kms")


# keys that services use ----------------------------------------------------------------------------------------------


@pytest.fixture
def encrypted(account: Account, key: str) -> str:
    """A bucket whose objects are encrypted with the key."""
    name = account.bucket()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    account.client("s3").put_bucket_encryption(
        Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule | {"BucketKeyEnabled": False}]}
    )
    return name


def test_objects_need_the_key_through_their_service_only(account: Account, key: str, encrypted: str) -> None:
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{account.region}.amazonaws.com"}}
    objects = allow("s3:GetObject", "s3:PutObject", on=f"arn:aws:s3:::{encrypted}/*")
    unkeyed = account.as_role("s3", objects)
    assert code_of(unkeyed.put_object, Bucket=encrypted, Key="a", Body=b"1") == "AccessDenied"
    uses = allow("kms:Decrypt", "kms:GenerateDataKey", on=key, Condition=through_s3)
    writer = account.as_role("s3", objects, uses)
    writer.put_object(Bucket=encrypted, Key="a", Body=b"1")
    assert writer.get_object(Bucket=encrypted, Key="a")["Body"].read() == b"1"
    assert code_of(unkeyed.get_object, Bucket=encrypted, Key="a") == "AccessDenied"
    direct = account.as_role("kms", uses)
    assert code_of(direct.generate_data_key, KeyId=key, KeySpec="AES_256") == "AccessDeniedException"


def test_an_object_is_bound_to_its_place_by_the_encryption_context(account: Account, key: str, encrypted: str) -> None:
    here = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{encrypted}/in/*"}}
    objects = allow("s3:PutObject", on=f"arn:aws:s3:::{encrypted}/*")
    s3 = account.as_role("s3", objects, allow("kms:GenerateDataKey", on=key, Condition=here))
    s3.put_object(Bucket=encrypted, Key="in/a", Body=b"1")
    assert code_of(s3.put_object, Bucket=encrypted, Key="out/a", Body=b"1") == "AccessDenied"


def test_objects_cannot_be_read_or_written_while_their_key_is_disabled(
    account: Account, key: str, encrypted: str
) -> None:
    s3, kms = account.client("s3"), account.client("kms")
    s3.put_object(Bucket=encrypted, Key="a", Body=b"1")
    read, write = {"Bucket": encrypted, "Key": "a"}, {"Bucket": encrypted, "Key": "b", "Body": b"2"}
    kms.disable_key(KeyId=key)
    assert account.wait_until(lambda: code_of(s3.get_object, **read)) == "KMS.DisabledException"
    assert account.wait_until(lambda: code_of(s3.put_object, **write)) == "KMS.DisabledException"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert account.wait_until(lambda: code_of(s3.get_object, **read) == "KMS.KMSInvalidStateException")
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert account.wait_until(lambda: not code_of(s3.get_object, **read))


def test_messages_need_the_key_of_their_queue(account: Account, key: str) -> None:
    url, arn = account.queue(KmsMasterKeyId=key)
    send = {"QueueUrl": url, "MessageBody": "hello"}
    sending = allow("sqs:SendMessage", on=arn)
    assert code_of(account.as_role("sqs", sending).send_message, **send) == "KMS.AccessDeniedException"
    keyed = account.as_role("sqs", sending, allow("kms:GenerateDataKey", "kms:Decrypt", on=key))
    assert not code_of(keyed.send_message, **send)


def test_a_secure_parameter_needs_the_key_of_who_reads_it(account: Account, key: str) -> None:
    ssm, name = account.client("ssm"), f"/{account.unique('secret')}"
    ssm.put_parameter(Name=name, Value="hidden", Type="SecureString", KeyId=key)
    account.later(ssm.delete_parameter, Name=name)
    reading = allow("ssm:GetParameter", on=f"arn:aws:ssm:{account.region}:{account.number}:parameter{name}")
    asked = {"Name": name, "WithDecryption": True}
    assert code_of(account.as_role("ssm", reading).get_parameter, **asked) == "AccessDeniedException"
    bound = {"StringEquals": {"kms:ViaService": f"ssm.{account.region}.amazonaws.com"}}
    keyed = account.as_role("ssm", reading, allow("kms:Decrypt", on=key, Condition=bound))
    assert keyed.get_parameter(**asked)["Parameter"]["Value"] == "hidden"


def test_messages_cannot_be_sent_while_their_key_is_disabled(account: Account, key: str) -> None:
    sqs, kms = account.client("sqs"), account.client("kms")
    url, _arn = account.queue(KmsMasterKeyId=key, KmsDataKeyReusePeriodSeconds="60")
    kms.disable_key(KeyId=key)
    account.pass_time(61)
    sent = {"QueueUrl": url, "MessageBody": "hello"}
    assert account.wait_until(lambda: code_of(sqs.send_message, **sent)) == "KMS.DisabledException"
    kms.enable_key(KeyId=key)
    assert account.wait_until(lambda: not code_of(sqs.send_message, **sent))


def test_a_log_group_has_only_a_key_whose_policy_lets_the_service_in(account: Account, key: str) -> None:
    logs, kms, group = account.client("logs"), account.client("kms"), account.unique("logs")
    with pytest.raises(ClientError, match="is not allowed to be used"):
        logs.create_log_group(logGroupName=group, kmsKeyId=key)
    document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    here = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:*:*:log-group:{group}"}}
    uses = ("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
    service = {"Service": f"logs.{account.region}.amazonaws.com"}
    document["Statement"].append(allow(*uses, Principal=service, Condition=here))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    assert account.wait_until(lambda: not code_of(logs.create_log_group, logGroupName=group, kmsKeyId=key))
    account.later(logs.delete_log_group, logGroupName=group)
    other = account.unique("logs")
    assert code_of(logs.create_log_group, logGroupName=other, kmsKeyId=key) == "AccessDeniedException"
