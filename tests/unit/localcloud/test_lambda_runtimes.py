"""Looking up what set-up made for Lambda runtimes, and saying what to do when it is not there."""

import hashlib
import json
from pathlib import Path

import pytest

from localcloud.lambda_.runtimes import LOCKS, OWN_VERSION, find_runtime, own_interpreter, own_runtime

LOCK = hashlib.sha256((LOCKS / "python3.12.txt").read_bytes()).hexdigest()


def set_up(folder: Path, name: str, version: str, lock: str = LOCK, python: str = str(own_interpreter())) -> None:
    (folder / name).write_text(json.dumps({"python": python, "version": version, "lock": lock}))


def test_the_runtimes_own_version_is_exact_and_needs_no_note(tmp_path: Path) -> None:
    set_up(tmp_path, "python3.12.json", "3.12")
    found = find_runtime(tmp_path, "python3.12")
    assert (found.exact, found.note, found.var_runtime.name) == (True, "", "python3.12-3.12")


def test_another_version_is_told_in_one_sentence(tmp_path: Path) -> None:
    set_up(tmp_path, "python3.12.json", "3.11")
    found = find_runtime(tmp_path, "python3.12")
    assert not found.exact
    assert found.note == (
        "No Python 3.12 was found on this machine: functions with the runtime python3.12 run with Python 3.11 here."
    )


def test_a_runtime_that_was_not_set_up_says_how_to(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"run `python -m localcloud\.toolchain lambda`"):
        find_runtime(tmp_path, "python3.12")


def test_an_unknown_runtime_names_those_that_run(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"nodejs22\.x; it runs .*python3\.12"):
        find_runtime(tmp_path, "nodejs22.x")


def test_other_locked_versions_ask_for_a_new_set_up(tmp_path: Path) -> None:
    set_up(tmp_path, "python3.12.json", "3.12", lock="of yesterday")
    with pytest.raises(LookupError, match="other versions"):
        find_runtime(tmp_path, "python3.12")


def test_a_vanished_interpreter_asks_for_a_new_set_up(tmp_path: Path) -> None:
    set_up(tmp_path, "python3.12.json", "3.12", python=str(tmp_path / "gone"))
    with pytest.raises(LookupError, match="other versions"):
        find_runtime(tmp_path, "python3.12")


def test_the_servers_own_runtime_must_be_of_its_own_version(tmp_path: Path) -> None:
    set_up(tmp_path, "python3.12-own.json", OWN_VERSION)
    assert own_runtime(tmp_path, "python3.12").version == OWN_VERSION
    set_up(tmp_path, "python3.12-own.json", "3.1")
    with pytest.raises(LookupError, match=r"set up by Python 3\.1"):
        own_runtime(tmp_path, "python3.12")


def test_the_lock_names_no_registry_and_has_hashes() -> None:
    text = (LOCKS / "python3.12.txt").read_text()
    assert "://" not in text
    assert "awslambdaric==" in text
    assert text.count("--hash=sha256:") > 10
