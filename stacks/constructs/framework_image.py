"""The container image that trains, evaluates and serves a model: AWS's own by region, or one of the author's."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any, Protocol

from aws_cdk import CfnMapping
from constructs import Construct

from stacks.arns import PARTITION, REGION, URL_SUFFIX
from trimtab.errors import SpecError, TrimtabError
from trimtab.spec import TrainingSpec

_FOLDER = "sagemaker/core/image_uri_config"
_PUBLISHED = {"scikit-learn-1.9-0": ("sklearn", "1.9-0"), "xgboost-3.2-0": ("xgboost", "3.2-0")}
"""File and version of a framework in what AWS publishes with its SDK."""
_SPARK, _SPARK_TAG = "3.5", "3.5-cpu-py312-v1.4"
"""Its tags carry the image's own version, which AWS tells nowhere but in ECR. Before 1.3 python3 was Python 3.9."""
_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)[:@].+")


class ContainerImage(Protocol):
    """An image in ECR."""

    @property
    def uri(self) -> str: ...

    @property
    def repository_arn(self) -> str: ...


def container_image(scope: Construct, id: str, training: TrainingSpec) -> ContainerImage:
    """The image that the spec names, or AWS's of its framework."""
    if training.image:
        return OwnImage(training.image)
    return FrameworkImage(scope, id, framework=training.framework)


class OwnImage:
    """An image of the author's, which keeps the contract that docs/how-to/own-image.md states."""

    def __init__(self, uri: str, field: str = "training.image") -> None:
        found = _ECR.fullmatch(uri)
        if found is None:
            raise SpecError(
                f"{field}: {uri} is not in ECR, from where alone SageMaker pulls; "
                "it looks like 111122223333.dkr.ecr.eu-central-1.amazonaws.com/name:tag"
            )
        self.uri = uri
        self.repository_arn = (
            f"arn:{PARTITION}:ecr:{found['region']}:{found['account']}:repository/{found['repository']}"
        )


class PublishedImage(Construct):
    """Owns a mapping from region to the account that holds AWS's images. No state, no region chosen at synth."""

    def __init__(self, scope: Construct, id: str, *, published: Mapping[str, Any], tag: str) -> None:
        super().__init__(scope, id)
        accounts = {region: {"account": account} for region, account in sorted(published["registries"].items())}
        self._account = CfnMapping(self, "Accounts", mapping=accounts).find_in_map(REGION, "account")
        self._repository, self._tag = published["repository"], tag

    @property
    def uri(self) -> str:
        host = f"{self._account}.dkr.ecr.{REGION}.{URL_SUFFIX}"
        return f"{host}/{self._repository}:{self._tag}"

    @property
    def repository_arn(self) -> str:
        return f"arn:{PARTITION}:ecr:{REGION}:{self._account}:repository/{self._repository}"


class FrameworkImage(PublishedImage):
    """AWS's image of a framework."""

    def __init__(self, scope: Construct, id: str, *, framework: str) -> None:
        file, version = _PUBLISHED[framework]
        data = _published(file, version)
        # Newer XGBoost images have neither processor nor Python in their tag.
        tag = "-".join([version, *data.get("processors", ())[:1], *data.get("py_versions", ())[:1]])
        super().__init__(scope, id, published=data, tag=tag)


def spark_image(scope: Construct, id: str, own: str | None) -> ContainerImage:
    """The image with Spark that the spec names, or AWS's."""
    if own:
        return OwnImage(own, "data.lake.image")
    return PublishedImage(scope, id, published=_published("spark", _SPARK, "processing"), tag=_SPARK_TAG)


@cache
def _published(file: str, version: str, use: str = "training") -> dict[str, Any]:
    """Registries, repository and tag parts of a framework's image, as AWS publishes them with its SDK.

    The file is read where the package sagemaker-core put it; importing the package takes 15 seconds and more.
    """
    data = f"{_FOLDER}/{file}.json"
    path = next((entry.locate() for entry in files("sagemaker-core") or () if str(entry) == data), None)
    if path is None:
        raise TrimtabError(f"sagemaker-core no longer ships {data}; run 'make setup' to get the locked version")
    published: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))[use]["versions"][version]
    return published
