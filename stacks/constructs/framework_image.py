"""The container image of AWS's own framework, by region."""

import json
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any

from aws_cdk import CfnMapping
from constructs import Construct

from stacks.arns import PARTITION, REGION, URL_SUFFIX
from trimtab.errors import TrimtabError

_DATA = "sagemaker/core/image_uri_config/sklearn.json"
_VERSIONS = {"scikit-learn-1.9-0": "1.9-0"}


class FrameworkImage(Construct):
    """Owns a mapping from region to the account that holds AWS's images. No state, no region chosen at synth."""

    def __init__(self, scope: Construct, id: str, *, framework: str) -> None:
        super().__init__(scope, id)
        version = _VERSIONS[framework]
        data = _published(version)
        accounts = {region: {"account": account} for region, account in sorted(data["registries"].items())}
        self._account = CfnMapping(self, "Accounts", mapping=accounts).find_in_map(REGION, "account")
        self._repository = data["repository"]
        self._tag = f"{version}-{data['processors'][0]}-{data['py_versions'][0]}"

    @property
    def uri(self) -> str:
        host = f"{self._account}.dkr.ecr.{REGION}.{URL_SUFFIX}"
        return f"{host}/{self._repository}:{self._tag}"

    @property
    def repository_arn(self) -> str:
        return f"arn:{PARTITION}:ecr:{REGION}:{self._account}:repository/{self._repository}"


@cache
def _published(version: str) -> dict[str, Any]:
    """Registries, repository and tag parts of a scikit-learn image, as AWS publishes them with its SDK.

    The file is read where the package sagemaker-core put it; importing the package takes 15 seconds and more.
    """
    path = next((entry.locate() for entry in files("sagemaker-core") or () if str(entry) == _DATA), None)
    if path is None:
        raise TrimtabError(f"sagemaker-core no longer ships {_DATA}; run 'make setup' to get the locked version")
    published: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))["training"]["versions"][version]
    return published
