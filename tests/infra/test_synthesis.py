import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App

from stacks.application import build
from stacks.model_source import find_models
from stacks.packaging import ROOT
from stacks.stage import stage_named
from stacks.validate import _IGNORED
from tests.infra.conftest import Assembly
from trimtab.errors import SpecError, TrimtabError

FIXTURES = ("tests/fixtures/models/tiny", "tests/fixtures/models/searched")
PARTS = ("app.py", "cdk.json", "stacks", "layers", "functions", "models/flights", *FIXTURES)
SCRIPT = """
import sys
from pathlib import Path
from stacks.synthesis import synthesize
synthesize(Path(sys.argv[1]), models=sys.argv[2:])
"""


def _synthesize(root: Path, folder: Path, *models: str) -> None:
    """The assembly is written by a fresh process."""
    own = {
        "PYTHONPATH": f"{root}:{root}/layers/runtime",
        "PYTHONPYCACHEPREFIX": str(ROOT / ".cache" / "bytecode"),
        "CDK_VALIDATION": "false",
    }
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own
    command = [sys.executable, "-c", SCRIPT, str(folder), *models]
    subprocess.run(command, cwd=folder.parent, env=environment, check=True, capture_output=True)


def _templates(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.template.json"))}


def test_another_process_in_another_checkout_writes_the_same_bytes(assembly: Assembly, tmp_path: Path) -> None:
    checkout = tmp_path / "elsewhere"
    for part in PARTS:
        source, target = ROOT / part, checkout / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    (checkout / ".cache").symlink_to(ROOT / ".cache")
    _synthesize(checkout, tmp_path / "out", "flights", *FIXTURES)
    assert _templates(tmp_path / "out") == _templates(assembly.folder)


def test_stacks_stay_far_below_cloudformations_limits(assembly: Assembly) -> None:
    for name, template in assembly.templates.items():
        assert len(template["Resources"]) < 300, name
        assert (assembly.folder / f"{name}.template.json").stat().st_size < 800_000, name


def test_no_stack_names_an_account_or_a_region(assembly: Assembly) -> None:
    for path in assembly.folder.glob("*.template.json"):
        text = path.read_text()
        assert "us-east-1:" not in text
        assert "123456789012" not in text


def test_captured_traffic_is_kept_for_as_long_as_the_stage_says() -> None:
    app = App()
    build(app, stage=stage_named("dev", captures_days="500"), models=["tests/fixtures/models/tiny"])
    (data,) = (stack for stack in app.synth().stacks if stack.stack_name.endswith("-data"))
    buckets = [each for each in data.template["Resources"].values() if each["Type"] == "AWS::S3::Bucket"]
    rules = [rule for each in buckets for rule in each["Properties"]["LifecycleConfiguration"]["Rules"]]
    assert [rule["ExpirationInDays"] for rule in rules if rule["Id"] == "Captures"] == [500]


def test_a_model_whose_truth_comes_after_its_windows_are_gone_is_refused() -> None:
    with pytest.raises(SpecError, match=r"tiny: .*truth_days is 120, and stage dev keeps .* -c captures_days=120"):
        build(App(), stage=stage_named("dev", captures_days=30), models=["tests/fixtures/models/tiny"])


@pytest.mark.parametrize("given", ["a year", 0, "-3"])
def test_an_age_that_is_no_number_of_days_is_refused(given: object) -> None:
    with pytest.raises(TrimtabError, match="captures_days"):
        stage_named("dev", captures_days=given)


def test_an_unknown_stage_names_the_known_ones() -> None:
    with pytest.raises(TrimtabError, match="choose one of dev, staging, prod"):
        stage_named("test")


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"models/ holds: .*flights"):
        find_models(["nowhere"])


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="two models are called tiny"):
        find_models(["tests/fixtures/models/tiny", "tests/fixtures/models/tiny"])


def test_cfn_lint_ignores_one_rule_only() -> None:
    assert _IGNORED == "W3005"
