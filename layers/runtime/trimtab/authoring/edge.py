"""What runs on a device: a bundle is verified, must answer its own vectors, and only then serves.

    python -m trimtab.authoring.edge BUNDLE --key public_key.pem [--port 8080]

With ``--port`` it answers ``POST /invocations`` and ``GET /ping`` on loopback as the cloud's endpoint does. Needs
numpy, onnxruntime and cryptography, and pandas for a model with declared features or timestamps; no network.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from trimtab.artifact.edge_bundle import VECTORS, BundleRefused, Manifest, check_bundle
from trimtab.artifact.model_files import check_files
from trimtab.artifact.parity import largest_difference
from trimtab.authoring.inference import Served, model_fn
from trimtab.authoring.records import JSON_LINES, RequestRefused, check_media_types
from trimtab.errors import DataError

MAX_BODY_BYTES = 8 * 1024**2


@dataclass(frozen=True)
class Verified:
    """A bundle that is what was signed, and does what was measured."""

    manifest: Manifest
    served: Served
    max_difference: float
    """Between its answers to the vectors, given on this machine, and those that were signed."""


def verify(folder: Path, public_key: bytes) -> Verified:
    """The bundle's model, ready to serve. Nothing of it is loaded before its signature and digests are right.

    Raises BundleRefused.
    """
    manifest = check_bundle(folder, public_key)
    check_files(folder)
    served = model_fn(str(folder))
    vectors = [json.loads(line) for line in (folder / VECTORS).read_text(encoding="utf-8").splitlines()]
    if not vectors or len(vectors) != manifest.vectors:
        raise BundleRefused(f"{VECTORS} holds {len(vectors)} vectors, {manifest.vectors} were signed")
    body = "".join(json.dumps(each["request"]) + "\n" for each in vectors)
    answers = [json.loads(line) for line in served.answer(body).splitlines()]
    apart = largest_difference(list(_numbers(answers)), list(_numbers(each["expected"] for each in vectors)))
    if not apart <= manifest.tolerance:
        raise BundleRefused(f"answers differ by up to {apart:.3g} from the signed ones, {manifest.tolerance:g} may be")
    return Verified(manifest, served, apart)


def _numbers(answers: Any) -> Iterator[float]:
    """Each score; of classes the probabilities by name."""
    for answer in answers:
        found = answer.get("scores") or {"": answer["score"]}
        yield from (float(found[name]) for name in sorted(found))


def server(verified: Verified, port: int) -> ThreadingHTTPServer:
    """A server on loopback that has not begun to answer; port 0 takes any that is free."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_GET(self) -> None:
            self._say(200 if self.path == "/ping" else 404, "")

        def do_POST(self) -> None:
            try:
                self._say(200, verified.served.answer(self._body()))
            except RequestRefused as refused:
                self._say(refused.status, json.dumps({"error": refused.message}))

        def _body(self) -> bytes:
            if self.path != "/invocations":
                raise RequestRefused("requests go to /invocations", 404)
            check_media_types(self.headers.get("Content-Type"), self.headers.get("Accept"))
            length = self.headers.get("Content-Length") or ""
            if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
                raise RequestRefused(f"give a Content-Length of at most {MAX_BODY_BYTES:,}", 413)
            return self.rfile.read(int(length))

        def _say(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", JSON_LINES if status == 200 else "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Requests hold people's data; they are not logged."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main(arguments: Sequence[str] | None = None) -> None:
    """The bundle is verified, and served when a port is given."""
    parser = argparse.ArgumentParser(description="Verify a model's bundle on a device, and serve it.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", type=Path, required=True, help="public key of the account that signed it, PEM")
    parser.add_argument("--port", type=int, default=None)
    options = parser.parse_args(arguments)
    try:
        verified = verify(options.bundle, options.key.read_bytes())
    except (DataError, OSError) as error:
        sys.exit(f"not served: {error}")
    made = verified.manifest
    print(f"{made.model}@{made.version} ({made.precision}) answers {made.vectors} vectors as signed", flush=True)
    if options.port is not None:
        server(verified, options.port).serve_forever()


if __name__ == "__main__":
    main()
