"""Becomes the program of a container without a network, or the programs of several hosts of one cluster.

Run as `python -I -S hosts.py SPECIFICATION PROGRAM ARGUMENT...` as root of a user and mount namespace.
SPECIFICATION is JSON: `isolated`, and `outputs` with one file descriptor per host (none for a lone host, which this
process becomes). Host k finds its own /opt/ml at /opt/hosts/algo-k, and is called algo-k.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from typing import NoReturn

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWNET = 0x40000000
MS_BIND_RECURSIVE = 0x1000 | 0x4000
SIOCSIFFLAGS = 0x8914
IFF_UP_AND_RUNNING = 0x1 | 0x40
HOSTS = "/opt/hosts"

_libc = ctypes.CDLL(None, use_errno=True)
_stopping: list[int] = []


def main() -> NoReturn:
    """This process is the program, or has run it once per host; ends with 126 when it could not be isolated."""
    specification = json.loads(sys.argv[1])
    if specification["isolated"]:
        _check(_libc.unshare(CLONE_NEWNET), "the network could not be isolated")
        _raise_loopback()
    outputs = specification["outputs"]
    if not outputs:
        os.execvp(sys.argv[2], sys.argv[2:])
    signal.signal(signal.SIGTERM, lambda number, _frame: _stopping.append(number))
    os._exit(_wait({_fork(index, output) for index, output in enumerate(outputs, start=1)}))


def _fork(index: int, output: int) -> int:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _become_host(f"algo-{index}")
        os.execvp(sys.argv[2], sys.argv[2:])
    os.close(output)
    return child


def _become_host(name: str) -> None:
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWUTS), "the host could not be isolated")
    own = f"{HOSTS}/{name}".encode()
    _check(_libc.mount(own, b"/opt/ml", None, MS_BIND_RECURSIVE, None), "/opt/ml could not be mounted")
    _check(_libc.mount(b"tmpfs", HOSTS.encode(), b"tmpfs", 0, None), "the other hosts could not be hidden")
    socket.sethostname(name)


def _wait(children: set[int]) -> int:
    """Every host has ended; the status of the first that failed, whose end has ended the others."""
    result = 0
    while children:
        child, status = os.wait()
        children.discard(child)
        code = os.waitstatus_to_exitcode(status)
        if code and not result:
            result = code if code > 0 else 128 - code
            for other in () if _stopping else children:
                os.kill(other, signal.SIGKILL)
    return result


def _check(result: int, what: str) -> None:
    if result != 0:
        sys.stderr.write(f"{what}: {os.strerror(ctypes.get_errno())}\n")
        sys.stderr.flush()
        os._exit(126)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_AND_RUNNING))


if __name__ == "__main__":
    main()
