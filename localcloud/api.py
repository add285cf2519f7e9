"""Serves an AWS API that is wholly ours, in the wire format of botocore's model of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcloud.locks import read_body
from localcloud.wire import Signature, error_response, named_operation, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class ApiError(Exception):
    """Raised when a request cannot be carried out; the caller gets `code` and the message."""

    def __init__(self, code: str, message: str, status: str = "400 Bad Request") -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Request:
    """One call: its parameters as botocore names them, and who signed it for which region."""

    operation: str
    parameters: dict[str, Any]
    signed: Signature

    @property
    def region(self) -> str:
        """The region that the caller signed for."""
        return self.signed.region


Operation = Callable[[Request], Mapping[str, Any] | None]


def middleware(
    app: "WSGIApplication", *, signing_name: str, model_name: str, operations: Mapping[str, Operation]
) -> "WSGIApplication":
    """Requests signed for `signing_name` are answered by `operations`; one that is missing there is refused."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        signed = signature(environ)
        if signed is None or signed.service != signing_name:
            return app(environ, start_response)
        name = named_operation(environ) or ""
        if name not in operations:
            raise NotImplementedError(f"{model_name} has no such operation here")
        try:
            request = Request(name, _parameters(environ, model_name, name), signed)
            result = operations[name](request)
        except ApiError as error:
            return error_response(environ, start_response, error.status, error.code, str(error))
        return _answer(environ, start_response, model_name, name, result or {})

    return run


def _parameters(environ: "WSGIEnvironment", model_name: str, name: str) -> dict[str, Any]:
    from moto.core.parse import PROTOCOL_PARSERS

    request = _normalized(environ)
    parser = PROTOCOL_PARSERS[_protocol(model_name)](_operation_model(model_name, name))
    parts = {
        "method": request.method,
        "values": request.values,
        "headers": request.headers,
        "body": request.data,
        "url_path": request.path,
        "url_params": {},
    }
    return dict(parser.parse(parts) or {})


def _normalized(environ: "WSGIEnvironment") -> Any:
    from moto.core.request import Request as MotoRequest

    read_body(environ)
    return MotoRequest(environ)


def _answer(
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    model_name: str,
    name: str,
    result: Mapping[str, Any],
) -> list[bytes]:
    from moto.core.serialize import get_serializer_class

    serializer = get_serializer_class(model_name, _protocol(model_name))(_operation_model(model_name, name))
    serialized = serializer.serialize(dict(result))
    body = serialized["body"]
    encoded = body.encode() if isinstance(body, str) else bytes(body)
    headers = dict(serialized["headers"]) | {"Content-Length": str(len(encoded))}
    start_response(f"{serialized['status_code']} OK", [(key, str(value)) for key, value in headers.items()])
    return [encoded]


def _protocol(model_name: str) -> str:
    from moto.core.utils import get_service_model

    return str(get_service_model(model_name).protocol)


def _operation_model(model_name: str, name: str) -> Any:
    from moto.core.utils import get_service_model

    return get_service_model(model_name).operation_model(name)
