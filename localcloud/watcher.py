"""Ends every registered process group as soon as the server is gone, even when it was killed.

Run as `python -I -S watcher.py FOLDER` with a pipe from the server on standard input. The folder holds one file per
process group: its name is the leader's process id, its text the leader's start time. A second file, with the ending
".mark", tells the name of a mount that only the leader and its descendants have: whoever left the group is found by it.
(The number of a namespace would not do: the kernel gives it to the next one as soon as it is free.)
"""

import contextlib
import os
import signal
import sys

MARK = ".mark"


def main() -> None:
    """Standard input has ended, and so have the groups."""
    while os.read(0, 4096):
        pass
    end_groups(sys.argv[1])


def end_groups(folder: str) -> list[int]:
    """No registered group is alive and the folder is empty; returns the groups that were."""
    ended = []
    for name in sorted(os.listdir(folder)):
        if name.isdigit():
            leader, begun = int(name), _read(os.path.join(folder, name))
            if _is_ours(leader, begun) and _kill_group(leader):
                ended.append(leader)
            end_marked(folder, leader)
            os.unlink(os.path.join(folder, name))
    return ended


def end_marked(folder: str, leader: int) -> None:
    """Nobody is left who has the leader's mark, not even with a session of its own."""
    path = os.path.join(folder, f"{leader}{MARK}")
    with contextlib.suppress(FileNotFoundError):  # another thread has ended them
        mark = _read(path)
        while _kill_members(mark):
            pass
        os.unlink(path)


def start_time(process_id: int) -> str:
    """The kernel's start time of a process, which tells it from a later one with the same id; "" when it is gone."""
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _kill_members(mark: str) -> bool:
    """Whether there were any; they may have made others meanwhile."""
    own = _namespace("self")
    members = [int(one) for one in os.listdir("/proc") if one.isdigit() and _has(one, mark, own)]
    for member in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    return bool(members)


def _has(process_id: str, mark: str, own_namespace: str) -> bool:
    """Whether a process sees the mount of this name; who shares our namespace sees none."""
    if _namespace(process_id) in ("", own_namespace):
        return False
    try:
        return f" {mark} " in _read(f"/proc/{process_id}/mountinfo")
    except OSError:
        return False


def _namespace(process_id: str) -> str:
    """The mount namespace of a process; "" when the process is gone, or somebody else's."""
    try:
        return os.readlink(f"/proc/{process_id}/ns/mnt")
    except OSError:
        return ""


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def _is_ours(leader: int, begun: str) -> bool:
    """The leader lives still, or has left a group behind (an id is not used again while its group lives)."""
    return start_time(leader) in (begun, "")


def _kill_group(leader: int) -> bool:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
