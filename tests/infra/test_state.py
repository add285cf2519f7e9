import json
from pathlib import Path

import pytest

from stacks.synthesis import Template, synthesize
from tests.infra.conftest import TINY, Assembly
from tests.ledger_tables import INDICES

STATEFUL = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SageMaker::ModelPackageGroup")

# A change here replaces state: it is a migration and needs a decision record under docs/adr.
LOGICAL_IDS = {
    "trimtab-dev-control": {"OperationsKeyD0717C64"},
    "trimtab-dev-data": {
        "ArtifactsBucket88671897",
        "ArtifactsEncryptionKeyE41B45D6",
        "AuditBucket7486E833",
        "AuditEncryptionKey830836F8",
        "CapturesBucketA18E2F11",
        "CapturesEncryptionKey64664526",
        "DropsBucketA91BB315",
        "DropsEncryptionKey032306C6",
        "LedgerEncryptionKey685FC81D",
        "LedgerTable9343E4AA",
        "Signing608E83C0",
    },
    "trimtab-dev-model-flights": {"Registry"},
    "trimtab-dev-model-searched": {"Registry"},
    "trimtab-dev-model-tiny": {"Registry"},
}


def test_state_keeps_its_logical_ids(assembly: Assembly) -> None:
    found: dict[str, set[str]] = {}
    for type in STATEFUL:
        for resource in assembly.resources(type):
            found.setdefault(resource.stack, set()).add(resource.id)
    assert found == LOGICAL_IDS


def test_buckets_keep_every_version_encrypted_and_private(assembly: Assembly) -> None:
    for bucket in assembly.resources("AWS::S3::Bucket"):
        properties = bucket.properties
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert all(properties["PublicAccessBlockConfiguration"].values())
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        assert any("AbortIncompleteMultipartUpload" in each for each in properties["LifecycleConfiguration"]["Rules"])


def test_of_artifacts_only_what_is_temporary_expires(assembly: Assembly) -> None:
    (artifacts,) = [b for b in assembly.resources("AWS::S3::Bucket") if b.id.startswith("Artifacts")]
    expiring = [rule for rule in artifacts.properties["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
    assert [(rule["Prefix"], rule["ExpirationInDays"]) for rule in expiring] == [("_temporary/", 14)]
    assert expiring[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_buckets_refuse_plain_http_old_tls_and_other_encryption(assembly: Assembly) -> None:
    policies = assembly.resources("AWS::S3::BucketPolicy")
    assert len(policies) == len(assembly.resources("AWS::S3::Bucket"))
    for policy in policies:
        denied = [s["Condition"] for s in policy.properties["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in denied
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied
        headers = {name for condition in denied for name in condition.get("StringNotEquals", {})}
        assert headers == {"s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"}


def test_audit_objects_are_locked(assembly: Assembly) -> None:
    (audit,) = [b for b in assembly.resources("AWS::S3::Bucket") if b.properties.get("ObjectLockEnabled")]
    assert audit.id.startswith("Audit")
    assert audit.properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"] == "GOVERNANCE"


def test_the_ledger_can_be_restored_and_is_encrypted(assembly: Assembly) -> None:
    (table,) = assembly.resources("AWS::DynamoDB::Table")
    assert table.properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table.properties["SSESpecification"]["SSEType"] == "KMS"
    assert table.properties["SSESpecification"]["KMSMasterKeyId"]


def test_keys_rotate_unless_they_sign(assembly: Assembly) -> None:
    for key in assembly.resources("AWS::KMS::Key"):
        if key.properties.get("KeyUsage") == "SIGN_VERIFY":
            assert key.properties["KeySpec"] == "ECC_NIST_P256"
        else:
            assert key.properties["EnableKeyRotation"] is True, key.id


def test_every_log_group_has_a_key_and_a_retention(assembly: Assembly) -> None:
    groups = assembly.resources("AWS::Logs::LogGroup")
    functions = assembly.resources("AWS::Lambda::Function")
    machines = assembly.resources("AWS::StepFunctions::StateMachine")
    assert len(groups) == len(functions) + len(machines)
    for group in groups:
        assert group.properties["KmsKeyId"], group.id
        assert group.properties["RetentionInDays"] == 30, group.id


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Template]]:
    folder = tmp_path_factory.mktemp("prod")
    return folder, synthesize(folder, stage="prod", models=[TINY])


def test_production_keeps_its_state_when_a_stack_goes(prod: tuple[Path, dict[str, Template]]) -> None:
    _, templates = prod
    for stack, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] in STATEFUL:
                assert resource["DeletionPolicy"] == "Retain", f"{stack}/{logical_id}"
                assert resource["UpdateReplacePolicy"] == "Retain", f"{stack}/{logical_id}"
    (table,) = [r for r in templates["trimtab-prod-data"]["Resources"].values() if r["Type"] == "AWS::DynamoDB::Table"]
    assert table["Properties"]["DeletionProtectionEnabled"] is True


def test_production_state_refuses_deletion(prod: tuple[Path, dict[str, Template]]) -> None:
    manifest = json.loads((prod[0] / "manifest.json").read_text())
    protected = {
        name
        for name, found in manifest["artifacts"].items()
        if found.get("properties", {}).get("terminationProtection")
    }
    assert protected == {"trimtab-prod-data"}


def test_stages_differ_in_values_not_in_resources(assembly: Assembly, prod: tuple[Path, dict[str, Template]]) -> None:
    def types(templates: dict[str, Template], stack: str) -> list[tuple[str, str]]:
        return sorted((id, found["Type"]) for id, found in templates[stack]["Resources"].items())

    for part in ("data", "control", "model-tiny"):
        dev, production = types(assembly.templates, f"trimtab-dev-{part}"), types(prod[1], f"trimtab-prod-{part}")
        assert [type for _, type in dev] == [type for _, type in production]


def test_the_ledger_is_found_by_what_tests_without_a_stack_find_it_by(assembly: Assembly) -> None:
    (table,) = assembly.resources("AWS::DynamoDB::Table")
    indices = table.properties["LocalSecondaryIndexes"]
    assert tuple(each["IndexName"] for each in indices) == INDICES
    assert {each["Projection"]["ProjectionType"] for each in indices} == {"ALL"}
