"""`trimtab local`: the same app on this laptop."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import CommandError

app = typer.Typer(no_args_is_help=True)

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60
StateOption = Annotated[Path, typer.Option("--state-dir", help="Where the local cloud keeps its files.")]
DEFAULT_STATE = Path(".trimtab")


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Loopback port.")] = 4566,
    speed: Annotated[
        float | None,
        typer.Option(help="How many seconds pass in the cloud for one on the wall; as before, at first 1."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin empty; what was there is in state.old.")] = False,
    faults: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="A fault plan: what goes wrong, and when.")
    ] = None,
    state_dir: StateOption = DEFAULT_STATE,
) -> None:
    """Start the local cloud in the background, with what was in it, and wait until it answers."""
    status = start(state_dir, port, speed, fresh=fresh, faults=faults)
    print(f"The local cloud answers at {status['endpoint']} (process {status['pid']}, log {state_dir / 'server.log'}).")
    for note in status["notes"]:
        print(note)
    print('Point your tools at it with: eval "$(trimtab local env)"')


@app.command()
def status(state_dir: StateOption = DEFAULT_STATE) -> None:
    """Say whether the local cloud runs, and at what time."""
    print(json.dumps(ask(state_dir, "status"), indent=2))


@app.command()
def env(state_dir: StateOption = DEFAULT_STATE) -> None:
    """Print the export lines that point aws, boto3 and cdk at the local cloud."""
    for name, value in environment(state_dir).items():
        print(f"export {name}={value}")


@app.command()
def clock(
    speed: Annotated[float | None, typer.Option(help="Virtual seconds for one real second.")] = None,
    advance: Annotated[str | None, typer.Option(help="Jump ahead, for example 90s, 30m, 24h or 7d.")] = None,
    state_dir: StateOption = DEFAULT_STATE,
) -> None:
    """Set the pace of the local cloud's time, or jump ahead; every missed tick fires once."""
    change: dict[str, float] = {}
    if speed is not None:
        change["speed"] = speed
    if advance is not None:
        change["advance"] = seconds(advance)
    print(json.dumps(ask(state_dir, "clock", change or None)))


@app.command()
def down(state_dir: StateOption = DEFAULT_STATE) -> None:
    """Stop the local cloud and everything it runs."""
    stop(state_dir)
    print("stopped")


def start(
    state_dir: Path, port: int, speed: float | None, *, fresh: bool = False, faults: Path | None = None
) -> dict[str, Any]:
    """Status of a local cloud that was started here. Raises CommandError with its own words when it did not start."""
    state_dir.mkdir(parents=True, exist_ok=True)
    log = (state_dir / "server.log").open("wb")
    argv = [
        sys.executable,
        "-m",
        "localcloud",
        "--port",
        str(port),
        "--state-dir",
        str(state_dir),
        *([] if speed is None else ["--speed", str(speed)]),
        *(["--fresh"] if fresh else []),
        *([] if faults is None else ["--faults", str(faults.resolve())]),
    ]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environ, start_new_session=True
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            words = (state_dir / "server.log").read_text().strip().splitlines()
            raise CommandError(words[-1] if words else f"the local cloud stopped with status {process.returncode}")
        ready = _ready(state_dir)
        if ready is not None and ready["pid"] == process.pid:
            return ask(state_dir, "status")
        time.sleep(0.05)
    process.kill()
    raise CommandError(f"the local cloud did not answer within {START_SECONDS} s; see {state_dir / 'server.log'}")


def stop(state_dir: Path) -> None:
    """The local cloud of ``state_dir`` is gone, whether or not it ran."""
    ready = _ready(state_dir)
    if ready is None:
        return
    try:
        os.kill(ready["pid"], signal.SIGTERM)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            _reap(ready["pid"])
            os.kill(ready["pid"], 0)
            time.sleep(0.05)
        os.kill(ready["pid"], signal.SIGKILL)
    except ProcessLookupError:
        return


def _reap(pid: int) -> None:
    """A server that this process started leaves no zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def environment(state_dir: Path) -> dict[str, str]:
    """Variables that point any AWS client at the running local cloud."""
    found = ask(state_dir, "status")
    return {
        "AWS_ENDPOINT_URL": found["endpoint"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": found["region"],
        "AWS_REGION": found["region"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def ask(state_dir: Path, route: str, change: dict[str, float] | None = None) -> dict[str, Any]:
    """The answer of the local cloud's own API."""
    ready = _ready(state_dir)
    if ready is None:
        raise CommandError("no local cloud runs here; start one with: trimtab local up")
    body = json.dumps(change).encode() if change is not None else None
    request = urllib.request.Request(
        f"{ready['endpoint']}/_local/{route}", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise CommandError(_message(error.read())) from error
    except urllib.error.URLError as error:
        raise CommandError(
            f"the local cloud does not answer ({error.reason}); start it with: trimtab local up"
        ) from error


def _message(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace")


def seconds(text: str) -> float:
    """``24h`` as seconds. Raises CommandError for what is no duration."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    try:
        return float(text[:-1]) * units[text[-1]]
    except (ValueError, KeyError, IndexError) as error:
        raise CommandError(f"{text!r} is not a duration; write for example 90s, 30m, 24h or 7d") from error


def _ready(state_dir: Path) -> dict[str, Any] | None:
    """What the running server wrote about itself; None when the file is absent or its process is gone."""
    try:
        ready: dict[str, Any] = json.loads((state_dir / "server.json").read_text())
        os.kill(ready["pid"], 0)
    except (FileNotFoundError, ProcessLookupError, json.JSONDecodeError):
        return None
    return ready
