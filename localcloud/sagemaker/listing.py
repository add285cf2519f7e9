"""List* operations from a table: filters, order and pages as the API reference describes them."""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from localcloud.sagemaker.errors import ValidationError
from localcloud.sagemaker.service import Operation, Record, Region, Request

_DEFAULT_PAGE = 10
_TIMES = ("CreationTime", "LastModifiedTime")


@dataclass(frozen=True)
class Listing:
    """How one kind of resource is listed. `records` gives the candidates for a request, in order of creation."""

    records: Callable[[Region, Request], Iterable[Record]]
    answer: str
    name: str
    members: tuple[str, ...]
    status: str = ""
    descending: bool = False


def operation(listing: Listing) -> Operation:
    """The operation that answers a List* request."""

    def list_them(region: Region, request: Request) -> dict[str, Any]:
        kept = [record for record in listing.records(region, request) if _matches(listing, record, request)]
        ordered = _ordered(listing, kept, request)
        start = _start(request)
        end = start + int(request.get("MaxResults", _DEFAULT_PAGE))
        page = [{key: record[key] for key in listing.members if key in record} for record in ordered[start:end]]
        token = {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(ordered) else {}
        return {listing.answer: page, **token}

    return list_them


def _matches(listing: Listing, record: Record, request: Request) -> bool:
    if request.get("NameContains", "").lower() not in str(record.get(listing.name, "")).lower():
        return False
    if request.get("StatusEquals", record.get(listing.status)) != record.get(listing.status):
        return False
    return all(
        request.get(f"{time}After", float("-inf"))
        <= record[time].timestamp()
        <= request.get(f"{time}Before", float("inf"))
        for time in _TIMES
        if time in record
    )


def _ordered(listing: Listing, records: list[Record], request: Request) -> list[Record]:
    keys = {"Name": listing.name, "Status": listing.status}
    key = keys.get(request.get("SortBy", "CreationTime"), "CreationTime")
    descending = request.get("SortOrder", "Descending" if listing.descending else "Ascending") == "Descending"
    ordered = sorted(records, key=lambda record: record[key])
    return ordered[::-1] if descending else ordered


def _start(request: Request) -> int:
    if "NextToken" not in request:
        return 0
    try:
        return int(base64.urlsafe_b64decode(request["NextToken"]))
    except ValueError as error:
        raise ValidationError("The NextToken is not one that this service gave.") from error
