"""Serves a model by the contract of AWS's scikit-learn container: /ping and /invocations over the user's functions.

Run by the image's own interpreter as `python -P -u model_server.py --descriptor N --code FOLDER`; N is a socket that
listens already. The user's module (SAGEMAKER_PROGRAM) gives model_fn(model_dir) and, where the defaults do not do,
input_fn(body, content_type), predict_fn(input, model), output_fn(prediction, accept) or transform_fn(model, body,
content_type, accept).
"""

import argparse
import importlib
import io
import json
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, NamedTuple

_JSON = "application/json"
_TEXT_TYPES = ("text/csv", _JSON)


class Answer(NamedTuple):
    """What goes back: an HTTP status, a body and its type."""

    status: int
    body: bytes
    content_type: str


class UnsupportedFormatError(Exception):
    """Raised by the default functions for a content type that they do not know."""


class Transformer:
    """The user's functions around one loaded model."""

    def __init__(self, module: Any, model_dir: str) -> None:
        self._transform: Callable[..., Any] | None = getattr(module, "transform_fn", None)
        own = [name for name in ("input_fn", "predict_fn", "output_fn") if hasattr(module, name)]
        if self._transform is not None and own:
            raise ValueError(f"transform_fn cannot be used together with {', '.join(own)}")
        self._input = getattr(module, "input_fn", default_input_fn)
        self._predict = getattr(module, "predict_fn", default_predict_fn)
        self._output = getattr(module, "output_fn", default_output_fn)
        self._model = getattr(module, "model_fn", default_model_fn)(model_dir)

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """The prediction, or the exception as AWS's container reports it."""
        try:
            return _as_answer(self._run(body, content_type, accept), accept)
        except UnsupportedFormatError as error:
            return _error(error, HTTPStatus.BAD_REQUEST)
        except Exception as error:  # the user's own code: whatever it raises is the model's answer
            traceback.print_exc()
            return _error(error, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _run(self, body: bytes, content_type: str, accept: str) -> Any:
        given = body.decode() if content_type.partition(";")[0].strip() in _TEXT_TYPES else body
        if self._transform is not None:
            return self._transform(self._model, given, content_type, accept)
        return self._output(self._predict(self._input(given, content_type), self._model), accept)


def default_model_fn(_model_dir: str) -> Any:
    """There is no default: a model must say how it is loaded."""
    raise NotImplementedError("Please provide a model_fn implementation in the program named by SAGEMAKER_PROGRAM.")


def default_input_fn(body: str | bytes, content_type: str) -> Any:
    """A numpy array from CSV, JSON or npy; one row of CSV is a table of one row."""
    import numpy

    kind = content_type.partition(";")[0].strip()
    if kind == "text/csv":
        return numpy.atleast_2d(numpy.genfromtxt(io.StringIO(str(body)), delimiter=",", dtype=numpy.float32))
    if kind == _JSON:
        return numpy.array(json.loads(body), dtype=numpy.float32)
    if kind == "application/x-npy" and isinstance(body, bytes):
        return numpy.load(io.BytesIO(body), allow_pickle=False)
    raise UnsupportedFormatError(f"Content type {content_type} is not supported by this framework.")


def default_predict_fn(data: Any, model: Any) -> Any:
    """What `model.predict` says."""
    return model.predict(data)


def default_output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    """The prediction as JSON, CSV or npy."""
    import numpy

    array = numpy.asarray(prediction)
    if accept == _JSON:
        return json.dumps(array.tolist()).encode(), accept
    buffer = io.BytesIO()
    if accept == "text/csv":
        numpy.savetxt(buffer, array, delimiter=",", fmt="%s")
    elif accept == "application/x-npy":
        numpy.save(buffer, array)
    else:
        raise UnsupportedFormatError(f"Accept type {accept} is not supported by this framework.")
    return buffer.getvalue(), accept


def _as_answer(result: Any, accept: str) -> Answer:
    """A body with or without its type, or a whole WSGI response, which AWS's container (Flask) passes on as it is."""
    if hasattr(result, "get_data"):
        return Answer(result.status_code, result.get_data(), result.content_type)
    body, content_type = result if isinstance(result, tuple) else (result, accept)
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, (bytes, bytearray)):
        body = json.dumps(body).encode()
    return Answer(HTTPStatus.OK, bytes(body), content_type)


def _error(error: Exception, status: HTTPStatus) -> Answer:
    content = {
        "error": type(error).__name__,
        "error-message": str(error),
        "stack-trace": traceback.format_exc(),
    }
    return Answer(status, json.dumps(content).encode(), _JSON)


class Request(NamedTuple):
    """One HTTP request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def read_request(stream: IO[bytes]) -> Request | None:
    """The next request on a connection; None at its end."""
    line = stream.readline()
    if not line:
        return None
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while (line := stream.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return Request(method, path, headers, stream.read(int(headers.get("content-length", 0))))


def write_answer(connection: socket.socket, answer: Answer) -> None:
    """The answer is on its way; the connection stays open."""
    status = HTTPStatus(answer.status)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n\r\n"
    )
    connection.sendall(head.encode("latin-1") + answer.body)


def route(transformer: Transformer, request: Request) -> Answer:
    """/ping says that the model is loaded, /invocations predicts."""
    if request.path == "/ping":
        return Answer(HTTPStatus.OK, b"\n", _JSON)
    if request.path != "/invocations" or request.method != "POST":
        return Answer(HTTPStatus.NOT_FOUND, b"", "text/plain")
    accept = request.headers.get("accept", "*/*")
    if accept in ("*/*", ""):
        accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", _JSON)
    return transformer.answer(request.body, request.headers.get("content-type", _JSON), accept)


def talk(connection: socket.socket, transformer: Transformer) -> None:
    """Every request of one connection has been answered."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        try:
            while (request := read_request(stream)) is not None:
                write_answer(connection, route(transformer, request))
        except ConnectionError:
            return


def serve(listener: socket.socket, transformer: Transformer) -> None:
    """Serves until the process is ended."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=talk, args=(connection, transformer), daemon=True).start()


def load(code: str) -> Transformer:
    """The user's module is imported and its model loaded."""
    sys.path.insert(0, code)
    if (Path(code) / "requirements.txt").exists():
        raise RuntimeError("requirements.txt: the local cloud installs no packages at run time; use the image's own.")
    program = os.environ.get("SAGEMAKER_PROGRAM", "")
    if not program:
        raise RuntimeError("SAGEMAKER_PROGRAM is not set: name the inference script in the model's Environment.")
    module = importlib.import_module(program.removesuffix(".py").replace("/", "."))
    base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
    return Transformer(module, os.path.join(base, "model"))


def main() -> None:
    """The model is served; ends with status 1 and a traceback when it cannot be loaded."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--descriptor", type=int, required=True)
    parser.add_argument("--code", required=True)
    arguments = parser.parse_args()
    listener = socket.socket(fileno=arguments.descriptor)
    serve(listener, load(arguments.code))


if __name__ == "__main__":
    main()
