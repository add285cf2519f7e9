"""The section of a table in a lake: data that are judged where they lie, and named by a pointer."""

from typing import Annotated

from pydantic import Field, StringConstraints

from trimtab.spec.base import Section

Location = Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^?*]+/)?$")]
KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:[^:]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")]


class LakeSpec(Section):
    """Where tables of Parquet files lie that ``_LAKE.json`` may point to, and what judges them."""

    location: Location
    """``s3://bucket/folder/``, in a bucket that keeps versions; nothing outside is read."""
    key: KeyArn | None = None
    """KMS key that the objects there are encrypted with, when it is not S3's own."""
    image: str | None = Field(default=None, pattern=r"^[\w.-]+(:\d+)?/[\w./-]+(:[\w.-]+|@sha256:[0-9a-f]{64})$")
    """Image in ECR with Spark 3.5, Java and Python 3.12; AWS's own when none is named."""
    instance_type: str = "ml.m5.2xlarge"
    """One machine, on all of whose processors Spark runs."""
    volume_gb: int = Field(default=100, ge=1, le=16_384)
    """Room for the table's files beside what Spark writes down."""
    max_runtime_minutes: int = Field(default=120, ge=1, le=2_880)
