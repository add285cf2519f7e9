"""A model that devices serve: what the stack has of it, and that others have none of it."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stacks.constructs.edge_component import recipe_of, server_archive
from stacks.synthesis import synthesize
from tests.infra.conftest import TINY, Assembly, Resource

COMPONENT = "AWS::GreengrassV2::ComponentVersion"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("edge")
    shutil.copytree(TINY, folder / "tiny", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "tiny" / "model.yaml").open("a") as spec:
        spec.write("edge: {greengrass: true}\n")
    return Assembly(folder / "out", synthesize(folder / "out", models=[str(folder / "tiny")]))


def resolved(component: Resource) -> dict[str, Any]:
    """The recipe with the parts that CloudFormation fills in as they stand in the template."""
    recipe = component.properties["InlineRecipe"]
    parts = [part if isinstance(part, str) else part["Fn::Sub"] for part in recipe.get("Fn::Join", ["", [recipe]])[1]]
    return dict(json.loads("".join(parts)))


def test_models_without_devices_have_no_component(assembly: Assembly) -> None:
    assert assembly.resources(COMPONENT) == []


def test_the_component_verifies_the_configured_bundle_before_it_serves(edge: Assembly) -> None:
    (component,) = edge.resources(COMPONENT)
    recipe = resolved(component)
    assert recipe["ComponentName"] == "trimtab.dev.tiny"
    assert set(recipe["ComponentConfiguration"]["DefaultConfiguration"]) == {"bundle", "key", "port"}
    (manifest,) = recipe["Manifests"]
    run = manifest["Lifecycle"]["run"]["Script"]
    assert "trimtab.authoring.edge" in run
    assert "--key" in run
    (artifact,) = manifest["Artifacts"]
    unpacked = artifact["URI"].rpartition("/")[2].removesuffix(".zip")
    assert "{artifacts:decompressedPath}/" + unpacked + '"' in run


def test_every_package_that_is_installed_on_a_device_is_pinned() -> None:
    install = recipe_of("c", "m", "s3://b/k.zip", "k")["Manifests"][0]["Lifecycle"]["install"]["Script"]
    named = install.partition('pip" install ')[2].split()
    assert {each.partition("==")[0] for each in named} == {"cryptography", "numpy", "onnxruntime", "pandas"}
    assert all(each.partition("==")[2] for each in named)


def test_the_server_s_archive_runs_by_itself_and_is_the_same_each_time(tmp_path: Path) -> None:
    body = server_archive()
    assert body == server_archive()
    zipfile.ZipFile(io.BytesIO(body)).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "trimtab.authoring.edge", str(tmp_path), "--key", __file__],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "is no bundle" in done.stderr
