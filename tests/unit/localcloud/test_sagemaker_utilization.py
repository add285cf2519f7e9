"""What an instance's memory is, and whose memory counts."""

import os
import subprocess
import sys

import pytest

from localcloud.sagemaker.utilization import family, memory_mb


@pytest.mark.parametrize(
    ("variant", "memory"),
    [
        ({"InstanceType": "ml.m5.large"}, 8192),
        ({"InstanceType": "ml.m5.4xlarge"}, 65_536),
        ({"InstanceType": "ml.c5.xlarge"}, 8192),
        ({"InstanceType": "ml.t2.medium"}, 4096),
        ({"ServerlessConfig": {"MemorySizeInMB": 3072}}, 3072),
    ],
)
def test_memory_is_that_of_the_instance_type_or_of_the_serverless_variant(
    variant: dict[str, object], memory: float
) -> None:
    assert memory_mb(variant) == memory


def test_the_memory_of_children_counts() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child.pid in list(family(os.getpid()))
    finally:
        child.communicate(b"\n")
    assert list(family(child.pid)) == [child.pid], "a process that is gone has no children"
