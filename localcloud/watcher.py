"""Ends every registered process group as soon as the server is gone, even when it was killed.

Run as `python -I -S watcher.py FOLDER` with a pipe from the server on standard input. The folder holds one file per
process group: its name is the leader's process id, its text the leader's start time.
"""

import os
import signal
import sys


def main() -> None:
    """Standard input has ended, and so have the groups."""
    while os.read(0, 4096):
        pass
    end_groups(sys.argv[1])


def end_groups(folder: str) -> list[int]:
    """No registered group is alive and the folder is empty; returns the groups that were."""
    ended = []
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with open(path) as file:
            begun = file.read()
        if _is_ours(int(name), begun) and _kill_group(int(name)):
            ended.append(int(name))
        os.unlink(path)
    return ended


def start_time(process_id: int) -> str:
    """The kernel's start time of a process, which tells it from a later one with the same id; "" when it is gone."""
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""


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
