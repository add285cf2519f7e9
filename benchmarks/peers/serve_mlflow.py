"""`mlflow models serve` of the same estimator, saved by mlflow itself: its own server and protocol, one worker."""

import os
import pickle
import socket
import sys
from pathlib import Path

import mlflow.sklearn

from benchmarks.front import READY


def main() -> None:
    """The model is saved, and this process becomes the command that serves it."""
    folder = Path(sys.argv[1])
    model = pickle.loads((folder / "model.pkl").read_bytes())
    mlflow.sklearn.save_model(
        model,
        str(folder / "mlflow"),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=[],
        serialization_format="pickle",
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    print(f"{READY}{port}", flush=True)
    options = ["-m", str(folder / "mlflow"), "-p", str(port), "-h", "127.0.0.1", "--env-manager", "local", "-w", "1"]
    python = sys.executable
    os.environ["PATH"] = f"{Path(python).parent}:{os.environ['PATH']}"
    os.execv(python, [python, "-m", "mlflow", "models", "serve", *options])


main()
