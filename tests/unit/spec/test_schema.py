"""Editors check model.yaml against a schema file that must be the spec's own."""

import json
from pathlib import Path

from trimtab.spec import json_schema

SCHEMA = Path(__file__).parents[3] / "docs" / "model.schema.json"


def test_the_exported_schema_is_current() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), "run: trimtab schema > docs/model.schema.json"
