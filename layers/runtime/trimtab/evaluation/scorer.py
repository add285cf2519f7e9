"""Scores requests with a model artifact's own code, in a process that holds no other version of it.

    python -P scorer.py ARTIFACT REQUESTS ANSWERS LATENCY_ROWS [HIDDEN ...]

ARTIFACT is an unpacked model, REQUESTS a file of serving records, ANSWERS where the answers go, HIDDEN folders that
the model's code may not read (see seal.py beside this file). The model is loaded at once, the requests are read when
a line arrives on standard input. The times of the first LATENCY_ROWS records, sent one by one, are printed as a JSON
list of milliseconds. Imports the artifact's ``inference`` and of this library the seal only: run by path, without this
folder on the module path.
"""

import importlib
import itertools
import json
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCH_ROWS = 5_000
WARM_UP_ROWS = 5
MEDIA_TYPE = "application/jsonlines"
Serve = Callable[[str], str]


def load(artifact: Path) -> Serve:
    """What the container would do with a body, for the model in ``artifact``."""
    sys.path.insert(0, str(artifact / "code"))
    module = importlib.import_module("inference")
    model = module.model_fn(str(artifact))
    transform = getattr(module, "transform_fn", None) or chain(module)

    def serve(body: str) -> str:
        answer = transform(model, body.encode(), MEDIA_TYPE, MEDIA_TYPE)
        if not isinstance(answer, tuple):
            raise SystemExit(f"the model refused its own hold-out: {answer.get_data(as_text=True)}")
        return answer[0] if isinstance(answer[0], str) else answer[0].decode()

    return serve


def chain(module: Any) -> Callable[[Any, bytes, str, str], Any]:
    """input_fn, predict_fn and output_fn, one after the other, as the container runs them."""
    return lambda model, body, sent, wanted: module.output_fn(
        module.predict_fn(module.input_fn(body, sent), model), wanted
    )


def latencies(serve: Serve, lines: list[str]) -> list[float]:
    """Milliseconds that each line took as a request of its own."""
    for line in lines[:WARM_UP_ROWS]:
        serve(line)
    return [_timed(serve, line) for line in lines]


def _timed(serve: Serve, line: str) -> float:
    started = time.perf_counter()
    serve(line)
    return (time.perf_counter() - started) * 1000


def main(artifact: str, requests: str, answers: str, latency_rows: str, *hidden: str) -> None:
    runpy.run_path(str(Path(__file__).with_name("seal.py")))["seal"](hidden)
    serve = load(Path(artifact))
    sys.stdin.readline()
    with open(requests, encoding="utf-8") as source, open(answers, "w", encoding="utf-8") as target:
        for batch in iter(lambda: list(itertools.islice(source, BATCH_ROWS)), []):
            target.write(serve("".join(batch)))
    with open(requests, encoding="utf-8") as source:
        print(json.dumps(latencies(serve, list(itertools.islice(source, int(latency_rows))))))


if __name__ == "__main__":
    main(*sys.argv[1:])
