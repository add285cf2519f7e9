"""`trimtab lineage MODEL@N --note`: SageMaker's lineage hears of what serves, and of nothing else."""

from typing import Any

import pytest

from cli.errors import CommandError
from cli.lineage import noted
from cli.stage import Stage
from tests.unit.functions.rollback_run import serve_two_versions
from tests.unit.functions.scene import ENDPOINT, Scene
from trimtab.rollout.deployment import DEPLOYMENT, config_of


class KeptLineage:
    """SageMaker, as far as it keeps lineage; what it is asked to make, by the operation."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []

    def list_artifacts(self, **asked: Any) -> dict[str, Any]:
        return {"ArtifactSummaries": [{"ArtifactArn": f"arn:of:{asked['SourceUri']}"}]}

    def create_action(self, **asked: Any) -> dict[str, Any]:
        self.made.append(("action", asked))
        return {"ActionArn": f"arn:action/{asked['ActionName']}"}

    def add_association(self, **asked: Any) -> dict[str, Any]:
        self.made.append(("association", asked))
        return {}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Version 2 serves, and version 1 did before."""
    made = Scene()
    serve_two_versions(made)
    monkeypatch.setattr(Stage, "ledger", lambda _stage, _model: made.ledger)
    return made


def test_what_serves_is_noted_with_its_config_and_each_time_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptLineage()
    monkeypatch.setattr(Stage, "client", lambda _stage, _service: kept)
    first, second = noted(Stage("test"), "tiny@2"), noted(Stage("test"), "tiny@2")
    assert first != second, "a deployment that somebody else has noted meanwhile is older than this one"
    champion = scene.ledger.state("champion")
    assert champion is not None
    (_, action), (_, association), *_ = kept.made
    assert (action["ActionType"], config_of(action["ActionName"])) == (DEPLOYMENT, champion["config"])
    assert action["Source"]["SourceUri"].endswith(f":endpoint/{ENDPOINT}")
    assert association["SourceArn"] == f"arn:of:{champion['package_arn']}"
    assert association["DestinationArn"] == first


def test_a_version_that_does_not_serve_is_not_noted(scene: Scene) -> None:
    with pytest.raises(CommandError, match="tiny@1 does not serve; version 2 does"):
        noted(Stage("test"), "tiny@1")
