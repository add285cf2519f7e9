"""Becomes a user program: in a mount namespace of its own, with limits, and bound to the life of the server.

Run as `python -I -S launcher.py SPECIFICATION PROGRAM ARGUMENT...`. It is a program apart, because a process of many
threads cannot unshare, and because the death signal has to be set after the namespace was made.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_RDONLY = 0x1
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_RELATIME = 0x200000
_SAME_BITS_IN_STATVFS_AND_MOUNT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME
_LIMITS = {
    "address_space_bytes": resource.RLIMIT_AS,
    "file_size_bytes": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)


def main() -> NoReturn:
    """This process is the program; it ends with status 126 or 127 when it could not become so."""
    specification: dict[str, Any] = json.loads(sys.argv[1])
    program = sys.argv[2:]
    try:
        if specification["mounts"] is not None:
            _enter_namespace(specification["mounts"])
        os.chdir(specification["cwd"])
        _limit(specification)
        _die_with(specification["parent"])
    except OSError as error:
        _give_up(126, f"could not be isolated: {error}", program)
    try:
        os.execvp(program[0], program)
    except OSError as error:
        _give_up(127, f"could not be started: {error}", program)


def _give_up(status: int, reason: str, program: list[str]) -> NoReturn:
    sys.stderr.write(f"{program[0]} {reason}\n")
    sys.stderr.flush()
    os._exit(status)


def _enter_namespace(mounts: dict[str, Any]) -> None:
    user, group = os.getuid(), os.getgid()
    _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"0 {user} 1")
    _write("/proc/self/gid_map", f"0 {group} 1")
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount(mounts["mark"], mounts["registry"], "tmpfs", 0)
    sources = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source, _, _ in mounts["binds"]]
    for target in mounts["tmpfs"]:
        _make_place(target, is_folder=True, own=mounts["tmpfs"])
        _mount("tmpfs", target, "tmpfs", 0)
    for descriptor, (source, target, read_only) in zip(sources, mounts["binds"], strict=True):
        _make_place(target, is_folder=os.path.isdir(f"/proc/self/fd/{descriptor}"), own=mounts["tmpfs"])
        _bind(descriptor, target, read_only, source)


def _bind(descriptor: int, target: str, read_only: bool, name: str) -> None:
    _mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND | MS_REC, name)
    if not read_only:
        return
    present = os.statvfs(target).f_flag
    kept = present & _SAME_BITS_IN_STATVFS_AND_MOUNT | (MS_RELATIME if present & os.ST_RELATIME else 0)
    _mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | kept, name)


def _make_place(target: str, *, is_folder: bool, own: list[str]) -> None:
    """A mount point exists; it is made only inside a tmpfs of this namespace, never in the host's own tree."""
    if os.path.exists(target):
        return
    if not any(target.startswith(place.rstrip("/") + "/") for place in own):
        raise OSError(f"{target} does not exist, and it is not inside one of the tmpfs {own}")
    os.makedirs(target if is_folder else os.path.dirname(target), exist_ok=True)
    if not is_folder:
        _write(target, "")


def _mount(source: str | None, target: str, kind: str | None, flags: int, name: str = "") -> None:
    arguments = [None if text is None else text.encode() for text in (source, target, kind)]
    _check(_libc.mount(*arguments, flags, None), f"mount {name or source or ''} on {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _limit(specification: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if specification["mounts"] is None:  # the kernel would count everything that the user runs
        del specification["limits"]["processes"]
    for name, value in specification["limits"].items():
        hard = resource.getrlimit(_LIMITS[name])[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(_LIMITS[name], (value, value))
    if specification["nice"]:
        os.nice(specification["nice"])


def _die_with(parent: int) -> None:
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main()
