"""Lambda packages on disk: unzipping, merging of layers, binary packages for another interpreter."""

import io
import os
import stat
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from localcloud.lambda_.assets import Assets, unzip, unzipped_bytes
from localcloud.lambda_.launch import Package, mounts_of
from localcloud.lambda_.overlay import BinaryPackage, OverlayError, binary_packages, make_overlay, unloadable
from localcloud.lambda_.runtimes import OWN_VERSION, LambdaRuntime, answers_version, find_interpreter, own_interpreter
from localcloud.processes import Processes


def zipped(files: dict[str, str], links: dict[str, str] | None = None, mode: int = 0o600) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
        for name, target in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return buffer.getvalue()


@pytest.fixture
def runtime() -> LambdaRuntime:
    return LambdaRuntime(own_interpreter(), Path("/none"), True, "", OWN_VERSION)


@pytest.fixture
def assets(tmp_path: Path) -> Iterator[Assets]:
    processes = Processes(tmp_path / "state")
    yield Assets(tmp_path / "assets", processes)
    processes.stop_all()


def wheel(folder: Path, name: str, number: str, tag: str, pure: str = "false") -> None:
    dist_info = folder / f"{name}-{number}.dist-info"
    dist_info.mkdir(parents=True)
    (dist_info / "WHEEL").write_text(f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n")


def test_files_are_readable_by_all_and_links_are_kept(tmp_path: Path) -> None:
    unzip(zipped({"python/a.py": "x"}, {"python/b.py": "a.py"}), tmp_path)
    assert (tmp_path / "python/b.py").read_text() == "x"
    assert (tmp_path / "python/a.py").stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_outside_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = zipped({"way/made.txt": "x"}, {"way2": str(outside)})
    unzip(archive, tmp_path / "in")
    assert list(outside.iterdir()) == []


def test_a_link_that_would_lie_outside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(zipfile.BadZipFile, match="leads out of the archive"):
        unzip(zipped({}, {"../../evil": "/etc/passwd"}), tmp_path / "a" / "b")


def test_the_unzipped_size_is_read_without_unzipping() -> None:
    assert unzipped_bytes(zipped({"a": "x" * 1000, "b": "y" * 24})) == 1024


def test_a_later_layer_replaces_files_of_an_earlier_one(assets: Assets, runtime: LambdaRuntime) -> None:
    assets.ensure("a" * 64, zipped({"python/one.py": "first = 1", "python/only.py": "a = 1"}))
    assets.ensure("b" * 64, zipped({"python/one.py": "second = 2", "bin/tool": "b"}))
    merged = assets.merged(("a" * 64, "b" * 64), runtime)
    assert (merged / "python/one.py").read_text() == "second = 2"
    assert (merged / "python/only.py").exists()
    assert (merged / "bin/tool").exists()
    assert (assets.unzipped("a" * 64) / "python/one.py").read_text() == "first = 1"


def test_bytecode_is_made_once_when_the_asset_brings_none(assets: Assets, runtime: LambdaRuntime) -> None:
    assets.ensure("c" * 64, zipped({"app.py": "x = 1"}))
    bytecode = assets.code("c" * 64, runtime) / "__pycache__" / f"app.cpython-{OWN_VERSION.replace('.', '')}.pyc"
    assert bytecode.read_bytes()[4:8] == b"\x01\x00\x00\x00"  # hash-based, unchecked
    before = bytecode.stat().st_mtime_ns
    assets.code("c" * 64, runtime)
    assert bytecode.stat().st_mtime_ns == before


def test_no_layers_are_an_empty_folder(assets: Assets, runtime: LambdaRuntime) -> None:
    assert list(assets.merged((), runtime).iterdir()) == []


def test_only_packages_with_compiled_code_are_binary(tmp_path: Path) -> None:
    wheel(tmp_path / "python", "numpy", "2.0.0", "cp312-cp312-manylinux_2_28_s390x")
    wheel(tmp_path / "python", "six", "1.17.0", "py2.py3-none-any", pure="true")
    wheel(tmp_path / "python/lib/python3.12/site-packages", "lxml", "5.0", "cp312-cp312-manylinux_2_28_s390x")
    assert [(one.name, one.version) for one in binary_packages(tmp_path)] == [("numpy", "2.0.0"), ("lxml", "5.0")]


@pytest.mark.parametrize(
    ("tag", "python", "loads"),
    [
        ("cp312-cp312-manylinux_2_17_{}", "3.12", True),
        ("cp312-cp312-manylinux_2_17_{}", "3.11", False),
        ("cp39-abi3-manylinux_2_17_{}", "3.11", True),
        ("py3-none-manylinux_2_17_{}", "3.11", True),
        ("cp312-cp312-manylinux_2_17_s390x", "3.12", False),
    ],
)
def test_a_wheel_loads_where_its_tags_say_so(tmp_path: Path, tag: str, python: str, loads: bool) -> None:
    wheel(tmp_path, "one", "1.0", tag.format(os.uname().machine))
    assert (unloadable(binary_packages(tmp_path), python) == []) == loads


def test_an_overlay_links_the_servers_own_copy_of_the_same_version(tmp_path: Path) -> None:
    make_overlay([BinaryPackage("numpy", version("numpy"), frozenset())], tmp_path)
    assert (tmp_path / "numpy" / "__init__.py").exists()
    assert (tmp_path / f"numpy-{version('numpy')}.dist-info").is_symlink()


def test_another_version_is_refused_naming_both(tmp_path: Path) -> None:
    with pytest.raises(OverlayError, match=rf"numpy 0\.1 \(here {version('numpy')}\)"):
        make_overlay([BinaryPackage("numpy", "0.1", frozenset())], tmp_path)


def test_a_package_that_the_server_lacks_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(OverlayError, match=r"no-such-package 1\.0 \(not installed here\)"):
        make_overlay([BinaryPackage("no-such-package", "1.0", frozenset())], tmp_path)


def test_an_interpreter_must_really_answer_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\necho 'python3.99: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert answers_version(shim) is None
    assert find_interpreter("3.99") is None


def test_the_servers_own_interpreter_is_found_for_its_own_version() -> None:
    assert find_interpreter(OWN_VERSION) == own_interpreter()


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    folder = tmp_path / "layers"
    (folder / "python").mkdir(parents=True)
    (folder / "data.txt").touch()
    return folder


def package(layers: Path, python: str, overlay: Path | None = None) -> Package:
    runtime = LambdaRuntime(Path(python), Path("/runtime"), True, "", "3.12")
    return Package(runtime, Path("/code"), layers, overlay)


def test_a_function_gets_the_paths_of_aws(layers: Path, tmp_path: Path) -> None:
    mounts = mounts_of(package(layers, "/usr/bin/python3.12"), tmp_path)
    assert mounts.tmpfs == ("/var",)
    assert mounts.binds == (
        (Path("/code"), "/var/task", True),
        (Path("/runtime"), "/var/runtime", True),
        (layers, "/opt", True),
        (tmp_path, "/tmp", False),
    )


def test_an_interpreter_below_opt_stays_visible_beside_the_layers(layers: Path, tmp_path: Path) -> None:
    mounts = mounts_of(package(layers, "/opt/tools/bin/python3.12"), tmp_path)
    assert mounts.tmpfs == ("/var", "/opt")
    assert (layers / "python", "/opt/python", True) in mounts.binds
    assert (layers / "data.txt", "/opt/data.txt", True) in mounts.binds
    assert mounts.binds[-1] == (Path("/opt/tools"), "/opt/tools", True)


def test_packages_of_the_server_below_tmp_stay_visible_in_the_functions_own_tmp(layers: Path, tmp_path: Path) -> None:
    overlay, own, packages = tmp_path / "overlay", tmp_path / "own", Path("/tmp/clone/packages")
    overlay.mkdir()
    own.mkdir()
    (overlay / "numpy").symlink_to(packages / "numpy")
    mounts = mounts_of(package(layers, "/usr/bin/python3.11", overlay), own)
    assert mounts.binds[-1] == (packages, "/tmp/clone/packages", True)
    assert (own / "clone" / "packages").is_dir()
