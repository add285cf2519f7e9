"""What a Map Run leaves behind: the counts that DescribeMapRun shows, and the files that a ResultWriter puts into S3.

Source: "ResultWriter (Map)" of the Step Functions guide.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

Json = dict[str, Any]

_COUNTED: Final = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
_FILES: Final = {"SUCCEEDED": ("SUCCEEDED",), "FAILED": ("FAILED", "TIMED_OUT", "ABORTED"), "PENDING": ("PENDING",)}


@dataclass
class Child:
    """One child of a Map Run: its input, how many items that holds, whether it waits, and its latest execution."""

    input: Any
    items: int
    waits: bool = True
    execution: Any = None

    def __getstate__(self) -> Json:
        """The execution is kept by itself; here, by its ARN."""
        return self.__dict__ | {"execution": getattr(self.execution, "exec_arn", None)}

    @property
    def status(self) -> str:
        """PENDING while it waits, then the status of its execution."""
        return "PENDING" if self.waits else str(self.execution.status)


@dataclass
class MapRun:
    """One run of a Distributed Map state; a redrive continues it."""

    arn: str
    execution_arn: str
    machine_arn: str
    child_type: str
    max_concurrency: int
    tolerated_count: int | None
    tolerated_percentage: float | None
    start_date: datetime
    children: list[Child] = field(default_factory=list)
    status: str = "RUNNING"
    stop_date: datetime | None = None
    redrive_count: int = 0
    redrive_date: datetime | None = None
    are_written: bool = False

    def listed(self) -> Json:
        """As ListMapRuns shows it."""
        shown = {
            "executionArn": self.execution_arn,
            "mapRunArn": self.arn,
            "stateMachineArn": self.machine_arn,
            "startDate": self.start_date,
        }
        return shown | ({"stopDate": self.stop_date} if self.stop_date else {})

    def described(self) -> Json:
        """As DescribeMapRun shows it."""
        shown = self.listed() | {
            "status": self.status,
            "maxConcurrency": self.max_concurrency,
            "toleratedFailurePercentage": self.tolerated_percentage or 0.0,
            "toleratedFailureCount": self.tolerated_count or 0,
            "itemCounts": self._counts([child.items for child in self.children]),
            "executionCounts": self._counts([1] * len(self.children)),
            "redriveCount": self.redrive_count,
        }
        del shown["stateMachineArn"]
        return shown | ({"redriveDate": self.redrive_date} if self.redrive_date else {})

    def is_intolerable(self) -> bool:
        """Whether more items have failed than the state tolerates."""
        failed = sum(child.items for child in self.children if child.status in ("FAILED", "TIMED_OUT"))
        total = sum(child.items for child in self.children)
        if self.tolerated_count is None and self.tolerated_percentage is None:
            return failed > 0
        over_count = self.tolerated_count is not None and failed > self.tolerated_count
        over_share = self.tolerated_percentage is not None and 100 * failed > self.tolerated_percentage * total
        return over_count or over_share

    def _counts(self, weights: list[int]) -> Json:
        counts = dict.fromkeys((*_COUNTED.values(), "running", "pending", "resultsWritten"), 0)
        for child, weight in zip(self.children, weights, strict=True):
            counts[_COUNTED.get(child.status, child.status.lower())] += weight
            counts["resultsWritten"] += weight if self.are_written and not child.waits else 0
        return counts | {"total": sum(weights), "failuresNotRedrivable": 0, "pendingRedrive": 0}


def outputs(run: MapRun) -> list[Any]:
    """The state's result: what each child gave, or the record of one that did not succeed."""
    return [_output(run, child) for child in run.children]


def _output(run: MapRun, child: Child) -> Any:
    return child.execution.output if child.status == "SUCCEEDED" else _record(run, child)


def written(run: MapRun, s3: Any, bucket: str, prefix: str) -> Json:
    """The results are in S3; returns what the state gives instead. Raises botocore's ClientError."""
    folder = "/".join(filter(None, (prefix.rstrip("/"), run.arn.rsplit(":", 1)[-1])))
    files = {name: _put(run, s3, bucket, f"{folder}/{name}_0.json", statuses) for name, statuses in _FILES.items()}
    run.are_written = True
    manifest = {"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode(), ContentType="application/json")
    return {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}


def _put(run: MapRun, s3: Any, bucket: str, key: str, statuses: tuple[str, ...]) -> list[Json]:
    records = [_record(run, child) for child in run.children if child.status in statuses]
    if not records:
        return []
    body = json.dumps(records, default=str).encode()
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return [{"Key": key, "Size": len(body)}]


def _record(run: MapRun, child: Child) -> Json:
    record = {"Input": json.dumps(child.input), "InputDetails": {"Included": True}, "StateMachineArn": run.machine_arn}
    execution = child.execution
    if execution is None:
        return record | {"Status": "PENDING"}
    record |= {"ExecutionArn": execution.exec_arn, "Name": execution.name, "Status": child.status}
    record |= {"StartDate": execution.start_date.isoformat(), "RedriveCount": execution.redrive_count}
    if execution.stop_date is not None:
        record["StopDate"] = execution.stop_date.isoformat()
    if child.status == "SUCCEEDED":
        return record | {"Output": json.dumps(execution.output), "OutputDetails": {"Included": True}}
    return record | {"Error": execution.error, "Cause": execution.cause}
