"""One message to people, whoever sends it and wherever it is read, and its words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["alarm", "ok", "notice"]
LINE: Final = 600
"""Characters of one line; what is longer is cut."""
LINES: Final = 8
"""Lines of one kind."""


@dataclass(frozen=True)
class Links:
    """Where to look; empty where there is nothing."""

    page: str = ""
    """What was measured, or the report: an S3 address."""
    runbook: str = ""
    alarm: str = ""
    """The alarm in the console."""


@dataclass(frozen=True)
class Notification:
    """What a person is told. Texts hold names, counts and statistics, and no rows of data."""

    subject: str
    what: str
    to_do: str
    why: str = ""
    how_much: Sequence[str] = ()
    since: str = ""
    done: Sequence[str] = ()
    model: str = ""
    state: State = "notice"
    links: Links = Links()


@dataclass(frozen=True)
class Part:
    """Lines under one heading."""

    heading: str
    lines: Sequence[str]


def parts(told: Notification) -> Iterator[Part]:
    """Everything that is known, in the order in which a person asks, as it was written."""
    asked = (
        ("What happened", [told.what]),
        ("Why", [told.why]),
        ("How much", told.how_much),
        ("Since", [told.since]),
        ("What was done", told.done),
        ("What to do next", [told.to_do]),
    )
    for heading, lines in asked:
        kept = [line for line in lines if line]
        if kept:
            yield Part(heading, kept)


def short(part: Part) -> Part:
    """For what leaves the account: each text on a line of its own and cut, and few of them."""
    kept, left = [cut(line) for line in part.lines[:LINES]], len(part.lines) - LINES
    return Part(part.heading, kept if left <= 0 else [*kept, f"and {left} more"])


def cut(text: str, most: int = LINE) -> str:
    """The text on one line, at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
