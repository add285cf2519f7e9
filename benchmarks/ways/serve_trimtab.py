"""What is deployed: the runtime's own serving code over the version's ONNX file, behind the plain front."""

import sys

from benchmarks.front import serve
from trimtab.authoring.inference import model_fn, transform_fn

served = model_fn(sys.argv[1])


def answer(body: bytes, content_type: str) -> tuple[bytes, str]:
    """As the container calls it."""
    content, kind = transform_fn(served, body, content_type, "application/jsonlines")
    return content.encode(), kind


serve(answer)
