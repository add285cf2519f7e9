"""A component of AWS IoT Greengrass that verifies and serves a model's bundles on devices.

The component is the same for every version of the model: which bundle it serves is a setting of the deployment, so an
approved version reaches devices without a deployment of this stack. It holds no model and no key of its own.
"""

import io
import json
import re
import zipfile
from typing import Any

from aws_cdk import CfnResource
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.generated import generated_file
from stacks.packaging import ROOT

COMPONENT_VERSION = "1.0.0"
PACKAGES = ("cryptography", "numpy", "onnxruntime", "pandas")
"""What trimtab.authoring.edge imports, in the versions of this repository's lock."""
_LIBRARY = ROOT / "layers" / "runtime" / "trimtab"
_PARTS = ("__init__.py", "errors.py", "artifact", "authoring", "features")
_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)


class EdgeComponent(Construct):
    """Owns one version of a component, whose artifact is an asset. No state."""

    def __init__(self, scope: Construct, id: str, *, name: str, model: str) -> None:
        super().__init__(scope, id)
        server = assets.Asset(self, "Server", path=str(generated_file("edge.zip", server_archive())))
        recipe = recipe_of(name, model, server.s3_object_url, server.asset_hash)
        # By type, as elsewhere: importing aws_greengrassv2 takes longer than all the rest of this.
        CfnResource(
            self,
            "Component",
            type="AWS::GreengrassV2::ComponentVersion",
            properties={"InlineRecipe": json.dumps(recipe)},
        )


def recipe_of(name: str, model: str, server_uri: str, server_name: str) -> dict[str, Any]:
    """The recipe; ``server_name`` is the archive's file name without its ending, under which Greengrass unpacks it.

    https://docs.aws.amazon.com/greengrass/v2/developerguide/component-recipe-reference.html.
    """
    folder = f"/var/lib/trimtab/{model}"
    archive = "{artifacts:decompressedPath}/" + server_name
    run = (
        f'PYTHONPATH="{archive}" "{{work:path}}/venv/bin/python" -m trimtab.authoring.edge '
        '"{configuration:/bundle}" --key "{configuration:/key}" --port {configuration:/port}'
    )
    install = 'python3 -m venv "{work:path}/venv" && "{work:path}/venv/bin/pip" install ' + " ".join(pins())
    return {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": COMPONENT_VERSION,
        "ComponentDescription": f"Verifies and serves signed bundles of the model {model}",
        "ComponentPublisher": "Trimtab",
        "ComponentConfiguration": {
            "DefaultConfiguration": {"bundle": f"{folder}/bundle", "key": f"{folder}/public_key.pem", "port": 8080}
        },
        "Manifests": [
            {
                "Platform": {"os": "linux"},
                "Lifecycle": {"install": {"Script": install, "Timeout": 900}, "run": {"Script": run}},
                "Artifacts": [{"URI": server_uri, "Unarchive": "ZIP"}],
            }
        ],
    }


def pins() -> list[str]:
    """``name==version`` of each package, from the lock."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE))
    return [f"{name}=={found[name]}" for name in PACKAGES]


def server_archive() -> bytes:
    """A zip of the library's part that serves; the same bytes for the same content."""
    paths = [_LIBRARY / part for part in _PARTS]
    files = sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py")))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"trimtab/{file.relative_to(_LIBRARY).as_posix()}", _BEGINNING_OF_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return made.getvalue()
