"""Uses an account as a user of boto3's resources, waiters, paginators and transfers does; prints JSON."""

import io
import json

import boto3

NAME = "plain-boto3"


def store() -> dict[str, object]:
    """What S3 gives back over the resource API, a presigned URL aside."""
    bucket = boto3.resource("s3").Bucket(NAME)
    bucket.create()
    bucket.wait_until_exists()
    bucket.upload_fileobj(io.BytesIO(b"x" * 9_000_000), "big")  # a multipart upload
    bucket.put_object(Key="small", Body=b"hello")
    sizes = {each.key: each.size for each in bucket.objects.all()}
    bucket.objects.delete()
    bucket.delete()
    return sizes


def count() -> list[str]:
    """Rows of a table, written in a batch and read in pages."""
    table = boto3.resource("dynamodb").create_table(
        TableName=NAME,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for number in range(40):
            batch.put_item(Item={"id": f"{number:02}"})
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=NAME, PaginationConfig={"PageSize": 7})
    found = sorted(item["id"]["S"] for page in pages for item in page["Items"])
    table.delete()
    table.wait_until_not_exists()
    return found


print(json.dumps({"sizes": store(), "rows": count(), "account": boto3.client("sts").get_caller_identity()["Account"]}))
