"""Becomes a program without a network, but for its own loopback: EnableNetworkIsolation.

Run as `python -I -S isolate.py PROGRAM ARGUMENT...` inside a user namespace, where this process is root.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from typing import NoReturn

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP_AND_RUNNING = 0x1 | 0x40


def main() -> NoReturn:
    """This process is the program; it ends with status 126 when it could not be isolated."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.stderr.write(f"the network could not be isolated: {os.strerror(ctypes.get_errno())}\n")
        os._exit(126)
    _raise_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_AND_RUNNING))


if __name__ == "__main__":
    main()
