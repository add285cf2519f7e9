"""A model's spec where its functions find it: /opt/trimtab/model.json."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.python_layer import RUNTIME
from stacks.generated import generated_file
from trimtab.contracts import SPEC_PATH
from trimtab.spec import Spec


class SpecLayer(Construct):
    """Owns one layer version. No state."""

    def __init__(self, scope: Construct, id: str, *, spec: Spec) -> None:
        super().__init__(scope, id)
        inside = Path(SPEC_PATH).relative_to("/opt")
        written = generated_file(inside.as_posix(), spec.canonical_json().encode())
        self.version = lambda_.LayerVersion(
            self,
            "Version",
            code=lambda_.Code.from_asset(str(written.parents[len(inside.parts) - 1])),
            compatible_runtimes=[RUNTIME],
            description=f"Trimtab: spec of {spec.name}",
        )
