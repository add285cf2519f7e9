"""`trimtab schema`: what an editor needs to know of model.yaml."""

import json

from trimtab.spec import json_schema


def schema() -> None:
    """Print the JSON Schema of model.yaml, for editors."""
    print(json.dumps(json_schema(), indent=2))
