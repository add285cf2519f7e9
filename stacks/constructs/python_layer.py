"""A Lambda layer of Python packages, built without Docker."""

from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.packaging import LayerRecipe, built_layer, link_tree

RUNTIME = lambda_.Runtime.PYTHON_3_12
ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


class PythonLayer(Construct):
    """Owns one layer version. No state: a new recipe replaces it.

    Each stack makes its own from the one asset: a layer version that another stack imports could not be replaced.
    """

    def __init__(self, scope: Construct, id: str, *, recipe: LayerRecipe) -> None:
        super().__init__(scope, id)
        self.version = lambda_.LayerVersion(
            self,
            "Version",
            code=_code(recipe),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURES[recipe.architecture]],
            description=f"Trimtab: {recipe.name}",
        )


def _code(recipe: LayerRecipe) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(recipe.lock.parent),
        asset_hash=recipe.digest(),
        asset_hash_type=AssetHashType.CUSTOM,
        # CDK asks for an image although it never gets that far: the local bundler always delivers or raises.
        bundling=BundlingOptions(image=DockerImage.from_registry("none"), local=_BuiltHere(recipe)),
    )


@jsii.implements(ILocalBundling)
class _BuiltHere:
    """Puts the layer from the cache into the asset's folder."""

    def __init__(self, recipe: LayerRecipe) -> None:
        self._recipe = recipe

    def try_bundle(self, output_dir: str, options: Any = None, **_rest: Any) -> bool:
        link_tree(built_layer(self._recipe), Path(output_dir))
        return True
