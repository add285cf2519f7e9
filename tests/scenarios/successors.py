"""Successors that are good or bad in one stated way, as artifacts that the local cloud serves."""

import json
import random
from dataclasses import asdict, dataclass, replace

from tests.local.sagemaker_support import archive

SERVING = """
import json, os, random, time

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)

def transform_fn(model, body, content_type, accept):
    time.sleep(model["seconds"])
    model.setdefault("kept", []).append(b"x" * model["leak"])
    if random.random() < model["errors"]:
        raise RuntimeError("the model is broken")
    text = body.decode() if isinstance(body, bytes) else body
    version = int(os.environ["TRIMTAB_VERSION"])
    records = [json.loads(line) for line in text.splitlines()]
    scores = [model["intercept"] + model["slope"] * each["x"] for each in records]
    rows = [{"id": each["row"], "score": score, "version": version} for each, score in zip(records, scores)]
    return "".join(json.dumps(row) + "\\n" for row in rows), "application/jsonlines"
"""
_LEARNED_FROM = 2000


@dataclass(frozen=True)
class Successor:
    """A model: a line through labels, and how well it is served."""

    intercept: float
    slope: float
    errors: float = 0.0
    """Share of requests that it answers with 500."""
    seconds: float = 0.0
    """What it takes for an answer, besides what everybody takes."""
    leak: int = 0
    """Bytes that it keeps of each request."""

    def artifact(self) -> bytes:
        """model.tar.gz."""
        return archive({"model.json": json.dumps(asdict(self)), "code/inference.py": SERVING})

    def golden(self) -> bytes:
        """Records spread over the hold-out, with what the evaluation has seen this very model answer."""
        rows = [
            {
                "request": {"row": number, "x": number / 100, "kind": "a"},
                "expected": {"id": number, "score": self.intercept + self.slope * number / 100},
            }
            for number in range(100)
        ]
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def with_errors(self, share: float) -> "Successor":
        """The same model, that fails on so many requests."""
        return replace(self, errors=share)

    def leaking(self, leak: int) -> "Successor":
        """The same model, that keeps so many bytes of each request."""
        return replace(self, leak=leak)

    def taking(self, seconds: float) -> "Successor":
        """The same model, that takes so long."""
        return replace(self, seconds=seconds)


def learn(seed: int, *, shuffled: bool = False) -> Successor:
    """The line of least squares through labels that are 1 as often as x says; or through the same ones, shuffled."""
    source = random.Random(seed)
    xs = [source.random() for _ in range(_LEARNED_FROM)]
    labels = [float(source.random() < x) for x in xs]
    if shuffled:
        source.shuffle(labels)
    mean_x, mean_y = sum(xs) / len(xs), sum(labels) / len(labels)
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, labels, strict=True))
    slope = covariance / sum((x - mean_x) ** 2 for x in xs)
    return Successor(mean_y - slope * mean_x, slope)
