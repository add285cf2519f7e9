"""Keeps the orders of a batch of messages with their price; a message that is no order is left to be tried again."""

import json
import os
from typing import Any

import boto3
from pricing import total  # type: ignore[import-not-found]  # from the layer


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    failed = []
    for record in event.get("Records", []):
        try:
            keep(json.loads(record["body"]))
        except (KeyError, ValueError):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def keep(order: dict[str, Any]) -> None:
    dynamodb = boto3.client("dynamodb")
    row = dynamodb.get_item(TableName=os.environ["PRICES"], Key={"id": {"S": order["what"]}})["Item"]
    price = {"N": str(total(int(row["price"]["N"]), order["count"]))}
    item = {"id": {"S": order["id"]}, "price": price, "currency": {"S": os.environ["CURRENCY"]}}
    dynamodb.put_item(TableName=os.environ["ORDERS"], Item=item)
