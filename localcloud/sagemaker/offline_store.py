"""The offline store: rows that wait are written to S3 as Parquet, in AWS's folders by the hour of the event time.

AWS gathers rows for up to fifteen minutes; here they are written about once a second, in real time.
"""

import io
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from localcloud.sagemaker.errors import JobFailedError
from localcloud.sagemaker.feature_store import PARSERS
from localcloud.sagemaker.service import Record, Region
from localcloud.sagemaker.transfer import Transfer
from localcloud.sagemaker.uris import join_s3_uri


def flush(region: Region) -> None:
    """Waiting rows are in S3; rows that S3 refuses go on waiting, and their group's offline store says why."""
    with region.lock:
        waiting = {name: list(rows) for name, rows in region.offline_rows.items() if name in region.feature_groups}
    for name, rows in waiting.items():
        group = region.feature_groups.get(name)
        if rows and group is not None:
            problem = _upload(region, group, rows)
            with region.lock:
                status = {"Status": "Blocked", "BlockedReason": problem} if problem else {"Status": "Active"}
                group["OfflineStoreStatus"] = status
                if not problem:
                    del region.offline_rows[name][: len(rows)]
                region.changed()


def _upload(region: Region, group: Record, rows: list[Record]) -> str:
    """A file for each hour. Its name comes from its first row: when a kill makes this happen again, it is replaced."""
    storage = group["OfflineStoreConfig"]["S3StorageConfig"]
    hours: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        hours[_time(row["seconds"]).strftime("year=%Y/month=%m/day=%d/hour=%H")].append(row)
    try:
        transfer = Transfer(region, group["RoleArn"], group["FeatureGroupArn"])
        for hour, content in hours.items():
            latest = _time(max(row["seconds"] for row in content)).strftime("%Y%m%dT%H%M%SZ")
            uri = join_s3_uri(storage["ResolvedOutputS3Uri"], hour, f"{latest}_{content[0]['token']}.parquet")
            transfer.upload(uri, _parquet(group, content, region.now()), storage.get("KmsKeyId"))
    except JobFailedError as error:
        return str(error)
    return ""


def _parquet(group: Record, rows: list[Record], now: datetime) -> bytes:
    import pyarrow
    import pyarrow.parquet

    kinds = {"Integral": pyarrow.int64(), "Fractional": pyarrow.float64(), "String": pyarrow.string()}
    columns: dict[str, Any] = {}
    for definition in group["FeatureDefinitions"]:
        name, kind = definition["FeatureName"], definition["FeatureType"]
        values = [PARSERS[kind](row["values"][name]) if name in row["values"] else None for row in rows]
        columns[name] = pyarrow.array(values, kinds[kind])
    moment = pyarrow.timestamp("ms", "UTC")
    columns["write_time"] = pyarrow.array([now] * len(rows), moment)
    columns["api_invocation_time"] = pyarrow.array([row["invoked"] for row in rows], moment)
    columns["is_deleted"] = pyarrow.array([row["is_deleted"] for row in rows])
    written = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), written)
    return written.getvalue()


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
