"""The runtime APIs that are signed for as sagemaker: records of the feature store, metrics of experiments."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from localcloud.iam.calls import CannotUnderstand, understand
from localcloud.sagemaker import experiments, feature_store
from localcloud.sagemaker.api import Regions, json_value
from localcloud.sagemaker.errors import ApiError
from localcloud.wire import Signature, error_response, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OPERATIONS = {**feature_store.RUNTIME, **experiments.RUNTIME}
_PATHS = ("/FeatureGroup/", "/BatchGetRecord", "/BatchWriteRecord", "/BatchPutMetrics", "/BatchGetMetrics")
_CODES = {"ValidationException": "ValidationError"}
_STATUS = {"ResourceNotFound": "404 Not Found"}


def middleware(regions: Regions, account: str, app: "WSGIApplication") -> "WSGIApplication":
    """Requests to the runtimes' paths are answered here."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        signed = signature(environ)
        if signed is None or signed.service != "sagemaker" or not environ["PATH_INFO"].startswith(_PATHS):
            return app(environ, start_response)
        try:
            body = _answer(regions, account, environ, signed)
        except ApiError as error:
            code = _CODES.get(error.code, error.code)
            status = _STATUS.get(code, "400 Bad Request")
            return error_response(environ, start_response, status, code, str(error))
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return run


def _answer(regions: Regions, account: str, environ: "WSGIEnvironment", signed: Signature) -> bytes:
    try:
        call = understand(environ, signed, account)
    except CannotUnderstand as error:
        raise NotImplementedError(str(error)) from error
    if call.operation not in OPERATIONS:
        raise NotImplementedError(f"{call.operation} is not done here")
    region = regions.of_request(environ)
    with region.lock:
        region.caller_key = signed.access_key
        answer = OPERATIONS[call.operation](region, call.parameters)
        if call.operation == "BatchPutMetrics":
            region.changed("", "tracked")
    return b"" if answer is None else json.dumps(answer, default=json_value).encode()
