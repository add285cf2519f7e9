import json
import re
import subprocess
from pathlib import Path

import pytest

from stacks.layers import columnar_recipe, runtime_recipe
from stacks.packaging import ROOT, SIZE_LIMIT, LayerRecipe, built_layer, matching_python, size_of, source_files
from tests.infra.checks.lambda_path import interpreter, path_of
from tests.infra.conftest import Assembly

HEAVY = {"numpy", "pyarrow", "pandas", "sklearn"}
SCRIPT = """
import importlib.util, json, sys
path, handlers = json.loads(sys.argv[1]), json.loads(sys.argv[2])
sys.path[:0] = path
for number, file in enumerate(handlers):
    found = importlib.util.spec_from_file_location(f"handler_{number}", file)
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    assert callable(module.handler), file
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def layers() -> tuple[Path, Path]:
    return built_layer(runtime_recipe("x86_64")), built_layer(columnar_recipe("x86_64"))


def _handlers(assembly: Assembly, columnar: bool) -> list[str]:
    """Files of the handlers that are deployed with, or without, the columnar layer."""
    return [
        str(ROOT / "functions" / found.properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] / "handler.py")
        for found in assembly.resources("AWS::Lambda::Function")
        if found.stack != "trimtab-dev-model-tiny" and (len(found.properties["Layers"]) == 3) is columnar
    ]


def _imported(layers: list[Path], handlers: list[str], scratch: Path) -> set[str]:
    """Top-level modules after all handlers were imported with nothing but the layers on the path."""
    path = path_of(layers, scratch)
    command = [str(interpreter()), "-S", "-E", "-s", "-P", "-B", "-c", SCRIPT, json.dumps(path), json.dumps(handlers)]
    done = subprocess.run(command, cwd=scratch, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_light_handlers_import_with_the_runtime_layer_alone(
    assembly: Assembly, layers: tuple[Path, Path], tmp_path: Path
) -> None:
    handlers = _handlers(assembly, columnar=False)
    assert len(handlers) >= 20
    assert not _imported([layers[0]], handlers, tmp_path) & HEAVY


def test_columnar_handlers_import_with_both_layers(
    assembly: Assembly, layers: tuple[Path, Path], tmp_path: Path
) -> None:
    handlers = _handlers(assembly, columnar=True)
    assert len(set(handlers)) == 10
    _imported(list(layers), handlers, tmp_path)


def test_arrow_still_reads_what_it_writes_after_trimming(layers: tuple[Path, Path], tmp_path: Path) -> None:
    program = (
        "import sys, json; sys.path[:0] = json.loads(sys.argv[1])\n"
        "import pyarrow as pa, pyarrow.parquet as pq, pyarrow.csv, pyarrow.json, pyarrow.compute as pc, numpy as np\n"
        "pq.write_table(pa.table({'a': np.arange(3.0)}), 't.parquet', compression='zstd')\n"
        "print(pc.sum(pq.read_table('t.parquet')['a']).as_py(), np.linalg.norm([3.0, 4.0]))"
    )
    path = json.dumps(path_of(list(layers), tmp_path))
    command = [str(interpreter()), "-S", "-E", "-s", "-P", "-c", program, path]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("3.0 5.0", 0), done.stderr


def test_a_function_with_all_its_layers_is_below_lambdas_limit(
    layers: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    largest = max(size_of(folder.parent) for folder in (ROOT / "functions").glob("*/handler.py"))
    total = sum(map(size_of, layers)) + largest
    with capsys.disabled():
        print(f"\nlayers: {' + '.join(f'{size_of(layer) / 2**20:.0f}' for layer in layers)} MiB of {SIZE_LIMIT >> 20}")
    assert total < SIZE_LIMIT


def test_layers_hold_no_tests_headers_or_scripts(layers: tuple[Path, Path]) -> None:
    for layer in layers:
        site = layer / "python"
        assert not list(site.rglob("tests"))
        assert not list(site.rglob("*.h"))
        assert not (site / "bin").exists()


def test_layers_keep_the_metadata_that_names_their_packages(layers: tuple[Path, Path]) -> None:
    for layer in layers:
        for metadata in (layer / "python").glob("*.dist-info"):
            assert {"METADATA", "RECORD", "WHEEL"} <= {path.name for path in metadata.iterdir()}


def test_bytecode_is_never_checked_against_its_source(layers: tuple[Path, Path]) -> None:
    if matching_python() is None:
        assert not list(layers[0].rglob("*.pyc"))
        return
    compiled = next((layers[0] / "python" / "trimtab").rglob("entrypoint.*.pyc")).read_bytes()
    assert int.from_bytes(compiled[4:8], "little") == 0b01  # PEP 552: hash-based, unchecked


def _versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["runtime", "columnar"])
def test_layers_hold_the_versions_that_are_tested_here(name: str) -> None:
    everything, layer = _versions(ROOT / "requirements.txt"), _versions(ROOT / "layers" / name / "requirements.txt")
    assert layer
    assert {package: everything.get(package) for package in layer} == layer


@pytest.mark.parametrize("name", ["runtime", "columnar"])
def test_locks_have_hashes_and_name_no_host(name: str) -> None:
    lock = (ROOT / "layers" / name / "requirements.txt").read_text()
    assert lock.count("--hash=sha256:") > lock.count("==")
    assert "://" not in lock


def test_the_digest_follows_content_and_nothing_else(tmp_path: Path) -> None:
    lock, package = tmp_path / "requirements.txt", tmp_path / "package"
    lock.write_text("a==1\n")
    package.mkdir()
    (package / "module.py").write_text("x = 1\n")
    recipe = LayerRecipe("layer", lock, (package,))
    before = recipe.digest()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "module.pyc").write_bytes(b"1")
    assert recipe.digest() == before
    assert [path.name for path in source_files(package)] == ["module.py"]
    (package / "module.py").write_text("x = 2\n")
    assert recipe.digest() != before
    assert LayerRecipe("layer", lock, (package,), "arm64").digest() != recipe.digest()
