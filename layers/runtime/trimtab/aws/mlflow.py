"""SageMaker's managed MLflow, by its ARN: requests are signed, and a header says which server is meant.

Source: the package sagemaker-mlflow 0.5 (auth.py, mlflow_sagemaker_helpers.py). Not tried against an account.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from trimtab.errors import ServiceRefused
from trimtab.ports import ObjectStore
from trimtab.tracking.http import HttpServer

_KINDS = {
    "mlflow-tracking-server": (
        "https://{region}.experiments.sagemaker.aws",
        "sagemaker-mlflow",
        "x-mlflow-sm-tracking-server-arn",
    ),
    "mlflow-app": ("https://mlflow.sagemaker.{region}.app.aws", "sagemaker", "x-sm-mlflow-app-arn"),
}


def bucket_writer(objects: ObjectStore) -> Callable[[str, bytes], None]:
    """Writes into the bucket of a managed server, which its owner must have allowed the function to do."""

    def write(uri: str, body: bytes) -> None:
        try:
            objects.write(uri, body)
        except ClientError as error:
            raise ServiceRefused(f"the artifact store of MLflow: {error}") from error

    return write


def connect(uri: str) -> HttpServer:
    """The server at ``uri``, asked with this process's credentials."""
    return tracking_server(uri, boto3.Session().get_credentials())


def tracking_server(uri: str, credentials: Any) -> HttpServer:
    """The server at a URL, or the managed one with this ARN, asked with ``credentials`` (botocore's)."""
    if not uri.startswith("arn:"):
        return HttpServer(uri)
    region, kind = uri.split(":")[3], uri.split(":")[5].partition("/")[0]
    address, service, header = _KINDS[kind]
    signer = SigV4Auth(credentials, service, region)

    def sign(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        said = {**headers, header: uri, "X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()}
        request = AWSRequest(method=method, url=url.replace("+", "%20"), data=body, headers=said)
        signer.add_auth(request)
        return dict(request.headers.items())

    return HttpServer(address.format(region=region), sign)
