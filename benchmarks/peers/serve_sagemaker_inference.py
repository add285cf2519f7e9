"""sagemaker-inference: its own handler service over the native pickle, behind the plain front.

In AWS's containers a Java server (multi-model-server) passes requests to it; that part is left out, to its advantage.
The author's part is the shortest that reads the same JSON Lines: a table by pandas, and ``predict_proba``.
"""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sagemaker_inference.default_handler_service import DefaultHandlerService

from benchmarks.front import serve

AUTHOR = """
import io, json, os, pickle
import pandas as pd

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.pkl"), "rb") as file:
        return pickle.load(file)

def input_fn(body, content_type):
    return pd.DataFrame([json.loads(line) for line in body.splitlines()])

def predict_fn(table, model):
    return table["id"], model.predict_proba(table.drop(columns="id"))[:, 1]

def output_fn(answered, accept):
    ids, scores = answered
    pairs = zip(ids.tolist(), scores.tolist())
    return "".join(json.dumps({"id": each, "score": score}) + "\\n" for each, score in pairs)
"""


class Context:
    """What the model server tells a handler of one request."""

    def __init__(self, folder: str) -> None:
        self.system_properties = {"model_dir": folder}
        self.headers: dict[str, str] = {}
        self.request_processor = [SimpleNamespace(get_request_properties=lambda: self.headers)]

    def set_response_content_type(self, _: int, kind: str) -> None:
        """Nobody is told."""

    def set_response_status(self, code: int, phrase: str) -> None:
        """A refusal ends the benchmark."""
        raise RuntimeError(f"{code} {phrase}")


def main() -> None:
    """The toolkit's handler is asked as its server asks it."""
    folder = sys.argv[1]
    (Path(folder) / "author.py").write_text(AUTHOR)
    sys.path.insert(0, folder)
    os.environ["SAGEMAKER_PROGRAM"] = "author.py"
    context, service = Context(folder), DefaultHandlerService()
    service.initialize(context)

    def answer(body: bytes, content_type: str) -> tuple[bytes, str]:
        context.headers = {"Content-Type": content_type, "Accept": "application/jsonlines"}
        found: Any = service.handle([{"body": body}], context)[0]
        return (found if isinstance(found, bytes) else found.encode()), content_type

    serve(answer)


main()
