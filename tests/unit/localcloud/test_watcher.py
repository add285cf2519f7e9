"""Marks of what was started: two may end the same at once, a job that ends and whoever kills it."""

from pathlib import Path
from typing import Any

import pytest

from localcloud import watcher
from localcloud.watcher import MARK, end_marked


@pytest.mark.parametrize("step", ["_read", "_kill_members"])
def test_what_another_thread_ends_meanwhile_is_ended(tmp_path: Path, monkeypatch: Any, step: str) -> None:
    mark = tmp_path / f"7{MARK}"
    mark.write_text("name of a mount")
    real = getattr(watcher, step)

    def interrupted(given: str) -> Any:
        mark.unlink()
        return real(given)

    monkeypatch.setattr(watcher, step, interrupted)
    end_marked(str(tmp_path), 7)
    assert not mark.exists()
