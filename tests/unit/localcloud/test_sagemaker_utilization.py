"""What an instance's memory is, and whose memory counts."""

import os
import subprocess
import sys

import pytest

from localcloud.sagemaker.utilization import Processors, family, memory_mb, processor_seconds


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


class Variant:
    """A variant whose one instance is this process."""

    def process_ids(self) -> list[int]:
        return [os.getpid()]


def test_processors_are_read_from_the_second_time_on_and_only_as_much_as_was_used() -> None:
    processors, variant = Processors(), Variant()
    assert list(processors.percent(variant)) == []  # type: ignore[arg-type]
    began = processor_seconds(os.getpid())
    while processor_seconds(os.getpid()) - began < 0.25:
        pass
    (busy,) = processors.percent(variant)  # type: ignore[arg-type]
    assert busy > 0
    assert list(processors.percent(variant)) == [], "too soon for the clock of the processors"  # type: ignore[arg-type]


def test_a_process_that_is_gone_used_no_processor() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert processor_seconds(child.pid) == 0.0
