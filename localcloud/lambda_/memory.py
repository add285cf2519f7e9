"""Memory of a process, from /proc."""

from dataclasses import dataclass
from pathlib import Path

_FIELDS = ("VmHWM", "VmRSS", "RssFile")


@dataclass(frozen=True)
class Memory:
    """`unreclaimable_mb` leaves out pages of mapped files, which the kernel can drop: AWS kills for the rest only."""

    resident_mb: int
    peak_mb: int
    unreclaimable_mb: int


def memory_of(process_id: int) -> Memory | None:
    """What the process holds; None when it is gone or has no memory any more."""
    try:
        return parse_status(Path(f"/proc/{process_id}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None


def parse_status(text: str) -> Memory | None:
    """Memory out of a /proc status file, which gives kilobytes."""
    lines = (line.partition(":") for line in text.splitlines())
    kilobytes = {name: int(value.split()[0]) for name, _, value in lines if name in _FIELDS}
    if set(kilobytes) != set(_FIELDS):
        return None
    resident = kilobytes["VmRSS"]
    return Memory(resident >> 10, kilobytes["VmHWM"] >> 10, (resident - kilobytes["RssFile"]) >> 10)
