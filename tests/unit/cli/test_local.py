"""`trimtab local`: durations, and a server that is not there."""

from pathlib import Path

import pytest

from cli import local
from cli.stage import CommandError


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("30m", 1800), ("24h", 86_400), ("1.5d", 129_600)])
def test_durations_are_read_with_their_unit(text: str, expected: float) -> None:
    assert local.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "h", "10", "ten minutes", "5w"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(CommandError, match="write for example 90s"):
        local.seconds(text)


def test_asking_a_cloud_that_does_not_run_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="trimtab local up"):
        local.ask(tmp_path, "status")


def test_a_ready_file_of_a_process_that_is_gone_counts_as_not_running(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"pid": 2147483646, "endpoint": "http://127.0.0.1:9"}')
    with pytest.raises(CommandError, match="no local cloud runs here"):
        local.environment(tmp_path)
    local.stop(tmp_path)
