"""What a child process does to itself reaches the parent as a sentence."""

import ctypes
import faulthandler
import os
import time
from typing import Any, Never

import pytest

from trimtab.data.sandbox import run
from trimtab.errors import SpecError


def _answer(number: int) -> dict[str, Any]:
    return {"twice": 2 * number, "text": "x" * 1_000_000}


def _greedy() -> int:
    return len(bytearray(600 * 1024 * 1024))


def _endless() -> None:
    while True:
        time.sleep(60)


def _crash() -> Any:
    faulthandler.disable()  # pytest's would print the stack of a crash that is wanted
    return ctypes.string_at(0)


def _wrong() -> Never:
    raise ValueError("no such thing")


def _misspelt() -> Never:
    raise SpecError("data.columns.x.pattern is wrong")


def _killed() -> None:
    os.kill(os.getpid(), 9)


def test_the_value_comes_back() -> None:
    assert run(_answer, (21,), memory_mb=256, seconds=20).value["twice"] == 42


@pytest.mark.parametrize(
    ("func", "seconds", "reason"),
    [
        (_greedy, 20, "takes more than 128 MB"),
        (_killed, 20, "takes more than 128 MB"),
        (_endless, 0.2, "longer than 0.2 seconds"),
        (_crash, 20, "crashed the reader"),
        (_wrong, 20, "failed with ValueError: no such thing"),
        (object, 20, "failed with TypeError"),
    ],
)
def test_a_child_that_fails_leaves_a_reason(func: Any, seconds: float, reason: str) -> None:
    outcome = run(func, (), memory_mb=128, seconds=seconds)
    assert outcome.value is None
    assert reason in str(outcome.failure)


def test_a_mistake_in_the_spec_is_not_the_files_fault() -> None:
    with pytest.raises(SpecError, match="pattern is wrong"):
        run(_misspelt, (), memory_mb=128, seconds=20)
