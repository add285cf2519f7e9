"""Understands a request: which operation of which service it calls, with which parameters."""

import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from localcloud.locks import read_body
from localcloud.wire import Signature, named_operation

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# signing name: botocore's name of the service, where they differ
_MODEL_NAMES = {"states": "stepfunctions", "monitoring": "cloudwatch", "ses": "sesv2", "aoss": "opensearchserverless"}
# the services that are signed for as sagemaker, by the beginning of their paths
_SAGEMAKER_PATHS = {
    "/endpoints/": "sagemaker-runtime",
    "/FeatureGroup/": "sagemaker-featurestore-runtime",
    "/BatchGetRecord": "sagemaker-featurestore-runtime",
    "/BatchWriteRecord": "sagemaker-featurestore-runtime",
    "/BatchPutMetrics": "sagemaker-metrics",
    "/BatchGetMetrics": "sagemaker-metrics",
}
# signing name: the prefix of the service's actions, where they differ
_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}


class CannotUnderstand(Exception):
    """Raised when a request is for no service or operation that botocore knows."""


@dataclass(frozen=True)
class Call:
    """One call of an AWS API."""

    service: str
    operation: str
    parameters: dict[str, Any]
    region: str
    account: str

    @property
    def prefix(self) -> str:
        """The first part of the service's IAM actions."""
        return _PREFIXES.get(self.service, self.service)

    @property
    def action(self) -> str:
        """The IAM action that is called as the operation is."""
        return f"{self.prefix}:{self.operation}"

    def text(self, name: str) -> str:
        """A parameter as text, empty when it is not given."""
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def arn(self, resource: str, prefix: str = "") -> str:
        """The ARN of a resource of this service in the call's region."""
        return f"arn:aws:{prefix or self.prefix}:{self.region}:{self.account}:{resource}"


def understand(environ: "WSGIEnvironment", signed: Signature, account: str) -> Call:
    """The call that a request makes; its body can be read again afterwards."""
    from botocore.exceptions import UnknownServiceError
    from botocore.model import OperationNotFoundError
    from werkzeug.exceptions import HTTPException

    try:
        return _understand(environ, signed, account)
    except (HTTPException, UnknownServiceError, OperationNotFoundError, NotImplementedError, ValueError) as error:
        path = environ.get("PATH_INFO")
        raise CannotUnderstand(f"{environ['REQUEST_METHOD']} {path} of {signed.service}: {error}") from error


def _understand(environ: "WSGIEnvironment", signed: Signature, account: str) -> Call:
    from moto.core.request import determine_request_protocol
    from moto.core.utils import get_service_model

    model_name = _model_name(environ, signed.service)
    model = get_service_model(model_name)
    decides = _body_decides(environ, signed.service)
    body = read_body(environ) if decides else b""
    operation, uri_parameters = named_operation(environ) if decides else None, {}
    request = _moto_request(environ, body)
    if operation is None:
        found, uri_parameters = _router(model_name).match(request)
        operation = found.name
    parts = {
        "method": request.method,
        "values": request.args if signed.service == "s3" else request.values,
        "headers": request.headers,
        "body": body,
        "url_path": request.path,
        "url_params": uri_parameters,
    }
    protocol = determine_request_protocol(model, request.content_type)
    parameters = _parser(protocol, model.operation_model(operation)).parse(parts) or {}
    return Call(signed.service, operation, {**uri_parameters, **parameters}, signed.region, account)


def _model_name(environ: "WSGIEnvironment", service: str) -> str:
    if service == "sagemaker":
        path = str(environ.get("PATH_INFO", ""))
        return next((name for start, name in _SAGEMAKER_PATHS.items() if path.startswith(start)), service)
    return _MODEL_NAMES.get(service, service)


def _body_decides(environ: "WSGIEnvironment", service: str) -> bool:
    """Whether the body says what is asked for; that of an object, an endpoint or a function is only their input."""
    if service == "s3":
        return str(environ.get("QUERY_STRING", "")).startswith("delete")
    return not str(environ.get("PATH_INFO", "")).endswith("/invocations")


def _moto_request(environ: "WSGIEnvironment", body: bytes) -> Any:
    from moto.core.request import Request

    own = {"PATH_INFO": path_style(environ), "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
    return Request(dict(environ) | own)


def path_style(environ: "WSGIEnvironment") -> str:
    """The path with the bucket in it, also when the bucket is part of the host name."""
    path, host = environ.get("PATH_INFO", "/"), environ.get("HTTP_HOST", "").partition(":")[0]
    bucket, separator, rest = host.rpartition(".localhost")
    return f"/{bucket}{path}" if separator and not rest else str(path)


def _router(model_name: str) -> Any:
    from moto.core.routing import get_service_router

    return get_service_router(model_name)


@cache
def _parsers() -> dict[str, Any]:
    from moto.core.parse import PROTOCOL_PARSERS

    return dict(PROTOCOL_PARSERS)


def _parser(protocol: str, operation_model: Any) -> Any:
    return _parsers()[protocol](operation_model)
