"""Conformance of the feature store: records online, and Parquet in S3."""

import io
from typing import Any

import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .bus import bodies, queue_for, rule
from .stacks import delete, deploy, note, outputs_of, template

pytestmark = pytest.mark.sagemaker
TYPES = {"flight": "String", "delay": "Fractional", "seats": "Integral", "at": "String"}


def definitions(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"FeatureName": name, "FeatureType": kind} for name, kind in types.items()]


class Group:
    """A feature group with both stores, and short ways to write and read its records."""

    def __init__(self, account: Account, name: str = "") -> None:
        self.account = account
        self.name = name or account.unique("features")
        self.sagemaker = account.client("sagemaker")
        self.runtime = account.client("sagemaker-featurestore-runtime")
        self.bucket = account.bucket()
        role = account.role("sagemaker.amazonaws.com", allow("s3:*"))
        self.sagemaker.create_feature_group(
            FeatureGroupName=self.name,
            RecordIdentifierFeatureName="flight",
            EventTimeFeatureName="at",
            FeatureDefinitions=definitions(TYPES),
            OnlineStoreConfig={"EnableOnlineStore": True},
            OfflineStoreConfig={
                "S3StorageConfig": {"S3Uri": f"s3://{self.bucket}/store"},
                "DisableGlueTableCreation": True,
            },
            RoleArn=role,
        )
        account.later(self.delete)
        account.wait_until(lambda: self.described()["FeatureGroupStatus"] == "Created", 15)

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_feature_group(FeatureGroupName=self.name)
        return found

    def delete(self) -> None:
        self.sagemaker.delete_feature_group(FeatureGroupName=self.name)
        self.account.wait_until(self.is_gone, 15)

    def is_gone(self) -> bool:
        try:
            return self.described()["FeatureGroupStatus"] not in ("Created", "Deleting")
        except ClientError as error:
            return bool(error.response["Error"]["Code"] == "ResourceNotFound")

    def put(self, flight: str, at: str, **values: Any) -> None:
        record = {"flight": flight, "at": at, **values}
        self.runtime.put_record(
            FeatureGroupName=self.name,
            Record=[{"FeatureName": name, "ValueAsString": str(value)} for name, value in record.items()],
        )

    def get(self, flight: str, **more: Any) -> dict[str, str]:
        answer = self.runtime.get_record(FeatureGroupName=self.name, RecordIdentifierValueAsString=flight, **more)
        return {each["FeatureName"]: each["ValueAsString"] for each in answer.get("Record", [])}

    def remove(self, flight: str, at: str, **more: Any) -> None:
        self.runtime.delete_record(
            FeatureGroupName=self.name, RecordIdentifierValueAsString=flight, EventTime=at, **more
        )

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """The offline store's rows, by folder."""
        s3 = self.account.client("s3")
        found: dict[str, list[dict[str, Any]]] = {}
        for item in s3.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            if item["Key"].endswith(".parquet"):
                body = s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read()
                folder = f"s3://{self.bucket}/{item['Key'].rpartition('/')[0]}"
                found.setdefault(folder, []).extend(pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist())
        return found


@pytest.fixture
def group(account: Account) -> Group:
    return Group(account)


def test_the_latest_record_is_read_and_a_late_one_never_wins(group: Group) -> None:
    group.put("a", "2026-01-02T00:00:00Z", delay=2.5, seats=180)
    group.put("a", "2026-01-01T00:00:00Z", delay=1.5)
    assert group.get("a") == {"flight": "a", "at": "2026-01-02T00:00:00Z", "delay": "2.5", "seats": "180"}
    group.put("a", "2026-01-02T00:00:00.500Z", delay=3.5)
    assert group.get("a") == {"flight": "a", "at": "2026-01-02T00:00:00.500Z", "delay": "3.5"}
    assert group.get("a", FeatureNames=["delay"]) == {"delay": "3.5"}
    assert group.get("unknown") == {}


def test_a_deleted_record_comes_back_only_by_a_later_one(group: Group) -> None:
    group.put("a", "2026-01-01T00:00:00Z", delay=1.0)
    group.remove("a", "2026-01-03T00:00:00Z")
    group.put("a", "2026-01-02T00:00:00Z", delay=2.0)
    assert group.get("a") == {}
    group.put("a", "2026-01-04T00:00:00Z", delay=4.0)
    assert group.get("a", FeatureNames=["delay"]) == {"delay": "4.0"}
    group.remove("a", "2026-01-05T00:00:00Z", DeletionMode="HardDelete")
    assert group.get("a") == {}


def test_records_of_several_identifiers_are_read_at_once(group: Group) -> None:
    for flight in ("a", "b"):
        group.put(flight, "2026-01-01T00:00:00Z", delay=1.0)
    asked = {"FeatureGroupName": group.name, "RecordIdentifiersValueAsString": ["a", "b", "c"]}
    answer = group.runtime.batch_get_record(Identifiers=[{**asked, "FeatureNames": ["flight"]}])
    assert {each["RecordIdentifierValueAsString"] for each in answer["Records"]} == {"a", "b"}
    assert answer["Errors"] == []


def test_what_does_not_fit_the_features_is_refused(group: Group) -> None:
    for values in ({"delay": "late"}, {"seats": "1.5"}, {"gate": "B7"}):
        with pytest.raises(ClientError) as error:
            group.put("a", "2026-01-01T00:00:00Z", **values)
        assert error.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError):
        group.put("a", "yesterday")
    with pytest.raises(ClientError) as error:
        group.runtime.get_record(FeatureGroupName="missing", RecordIdentifierValueAsString="a")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"


def test_every_write_is_a_row_in_the_hour_of_its_event_time(account: Account, group: Group) -> None:
    group.put("a", "2026-01-02T03:04:05Z", delay=1.5, seats=180)
    group.put("a", "2026-01-01T00:00:00Z", delay=0.5)
    group.remove("a", "2026-01-02T03:30:00Z")
    found = account.wait_until(lambda: rows if sum(map(len, (rows := group.rows()).values())) == 3 else None, 30)
    data = group.described()["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    third, first = f"{data}/year=2026/month=01/day=02/hour=03", f"{data}/year=2026/month=01/day=01/hour=00"
    assert set(found) == {first, third}
    written = sorted(found[third], key=lambda row: str(row["at"]))
    shown = [{name: row[name] for name in ("flight", "delay", "seats", "is_deleted")} for row in written]
    assert shown == [
        {"flight": "a", "delay": 1.5, "seats": 180, "is_deleted": False},
        {"flight": "a", "delay": None, "seats": None, "is_deleted": True},
    ]
    for row in (*found[first], *written):
        assert row["write_time"] >= row["api_invocation_time"]


def test_feature_groups_are_listed_tagged_and_given_more_features(account: Account, group: Group) -> None:
    sagemaker = group.sagemaker
    (listed,) = sagemaker.list_feature_groups(NameContains=group.name)["FeatureGroupSummaries"]
    arn = listed["FeatureGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ops"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ops"}]
    added = [{"FeatureName": "gate", "FeatureType": "String"}]
    sagemaker.update_feature_group(FeatureGroupName=group.name, FeatureAdditions=added)
    account.wait_until(lambda: group.described().get("LastUpdateStatus", {}).get("Status") == "Successful")
    group.put("a", "2026-01-01T00:00:00Z", gate="B7")
    assert group.get("a", FeatureNames=["gate"]) == {"gate": "B7"}


def test_a_feature_group_that_is_created_is_an_event(account: Account) -> None:
    name = account.unique("features")
    pattern = {
        "detail-type": ["SageMaker Feature Group State Change"],
        "detail": {"FeatureGroupName": [name], "FeatureGroupStatus": ["Created"]},
    }
    url, arn = queue_for(account)
    rule(account, {"source": ["aws.sagemaker"], **pattern}, {"Arn": arn})
    described = Group(account, name).described()
    (event,) = bodies(account, url)[:1]
    assert event["resources"] == [event["detail"]["FeatureGroupArn"]] == [described["FeatureGroupArn"]]
    assert event["detail"]["FeatureDefinitions"] == described["FeatureDefinitions"]


def test_a_feature_group_whose_bucket_cannot_be_used_fails(account: Account) -> None:
    sagemaker, name = account.client("sagemaker"), account.unique("features")
    sagemaker.create_feature_group(
        FeatureGroupName=name,
        RecordIdentifierFeatureName="flight",
        EventTimeFeatureName="at",
        FeatureDefinitions=[{"FeatureName": each, "FeatureType": "String"} for each in ("flight", "at")],
        OfflineStoreConfig={"S3StorageConfig": {"S3Uri": f"s3://{account.bucket()}"}},
        RoleArn=account.role("sagemaker.amazonaws.com"),
    )
    account.later(sagemaker.delete_feature_group, FeatureGroupName=name)

    def reason() -> str:
        return str(sagemaker.describe_feature_group(FeatureGroupName=name).get("FailureReason", ""))

    assert account.wait_until(reason)
    assert sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"] == "CreateFailed"


def test_reading_and_writing_records_need_permissions_of_their_own(account: Account, group: Group) -> None:
    arn = group.described()["FeatureGroupArn"]
    group.put("a", "2026-01-01T00:00:00Z", delay=1.0)
    asked = [{"FeatureGroupName": group.name, "RecordIdentifiersValueAsString": ["a"]}]
    group.runtime = account.as_role(
        "sagemaker-featurestore-runtime", allow("sagemaker:GetRecord", "sagemaker:BatchGetRecord", on=arn)
    )
    assert group.get("a", FeatureNames=["delay"]) == {"delay": "1.0"}
    assert len(group.runtime.batch_get_record(Identifiers=asked)["Records"]) == 1
    with pytest.raises(ClientError) as error:
        group.put("a", "2026-01-02T00:00:00Z", delay=2.0)
    assert error.value.response["Error"]["Code"] in ("AccessDeniedException", "AccessForbidden")


def in_a_stack(name: str, types: dict[str, str], role: str = "", bucket: str = "") -> str:
    """A template with a feature group of that name, and what refers to it."""
    properties: dict[str, Any] = {
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "flight",
        "EventTimeFeatureName": "at",
        "FeatureDefinitions": definitions(types),
        "OnlineStoreConfig": {"EnableOnlineStore": True},
    }
    if bucket:
        storage = {"S3StorageConfig": {"S3Uri": f"s3://{bucket}/store"}, "DisableGlueTableCreation": True}
        properties |= {"OfflineStoreConfig": storage, "RoleArn": role}
    told = note({"Fn::Join": [" ", [{"Ref": "Features"}, {"Fn::GetAtt": ["Features", "FeatureGroupStatus"]}]]})
    return template(
        {"Features": {"Type": "AWS::SageMaker::FeatureGroup", "Properties": properties}, "Told": told},
        Outputs={"Told": {"Value": {"Fn::GetAtt": ["Told", "Value"]}}},
    )


def test_a_stack_makes_a_feature_group_that_can_be_written_at_once_adds_features_and_deletes_it(
    account: Account,
) -> None:
    name, sagemaker = account.unique("features"), account.client("sagemaker")
    made = deploy(account, account.unique("stack"), in_a_stack(name, TYPES))
    assert outputs_of(made) == {"Told": f"{name} Created"}
    runtime = account.client("sagemaker-featurestore-runtime")
    record = [{"FeatureName": key, "ValueAsString": value} for key, value in (("flight", "a"), ("at", "1"))]
    runtime.put_record(FeatureGroupName=name, Record=record)
    deploy(account, made["StackName"], in_a_stack(name, TYPES | {"gate": "String"}), "UPDATE")
    found = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert [each["FeatureName"] for each in found["FeatureDefinitions"]] == [*TYPES, "gate"]
    assert runtime.get_record(FeatureGroupName=name, RecordIdentifierValueAsString="a")["Record"] == record
    delete(account, made["StackId"])
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_feature_group(FeatureGroupName=name)


def test_a_stack_fails_with_the_reason_why_a_feature_group_cannot_be_made_or_changed(account: Account) -> None:
    name, role = account.unique("features"), account.role("sagemaker.amazonaws.com", allow("s3:PutObject"))
    failed = deploy(account, account.unique("stack"), in_a_stack(name, TYPES, role, account.bucket()))
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE"
    made = deploy(account, account.unique("stack"), in_a_stack(name, TYPES))
    fewer = {key: kind for key, kind in TYPES.items() if key != "seats"}
    assert deploy(account, made["StackName"], in_a_stack(name, fewer), "UPDATE")["StackStatus"] == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
