"""One synth of the whole app for all tests here."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ["CDK_VALIDATION"] = "false"

from stacks.synthesis import Template, synthesize
from stacks.templates import state_machines

TINY = "tests/fixtures/models/tiny"
SEARCHED = "tests/fixtures/models/searched"


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    stack: str
    id: str
    type: str
    properties: Template
    attributes: Template


@dataclass(frozen=True)
class Assembly:
    """Everything that one synth made."""

    folder: Path
    templates: dict[str, Template]

    def resources(self, type: str) -> list[Resource]:
        return [
            Resource(stack, logical_id, type, found.get("Properties", {}), found)
            for stack, template in self.templates.items()
            for logical_id, found in template["Resources"].items()
            if found["Type"] == type
        ]

    def machines(self) -> dict[str, Template]:
        """Definitions by ``stack/logical id``."""
        return {
            f"{stack}/{logical_id}": definition
            for stack, template in self.templates.items()
            for logical_id, definition in state_machines(template).items()
        }


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The app with the flights model and the fixture models."""
    folder = tmp_path_factory.mktemp("assembly")
    return Assembly(folder, synthesize(folder, models=["flights", TINY, SEARCHED]))
