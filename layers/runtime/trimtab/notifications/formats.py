"""A notification as e-mail has it, as Slack shows it, and as a program reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from trimtab.notifications.notification import Notification, Part, cut, parts, short

VERSION: Final = 1
"""Of the body that programs read: raised when a field changes its meaning or goes."""
_HEADER, _SECTION, _FALLBACK = 150, 3000, 300
"""Slack's limits of a header and of a section, and how much of the text a phone shows."""
_LEFT_OUT: Final = "… more is left out: it is too long for Slack"
_SIGNS: Final = {"alarm": "🔴", "ok": "🟢", "notice": "🔵"}
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Envelope:
    """What tells one message from every other: the same for every attempt to deliver it."""

    id: str
    at: datetime
    stage: str


def as_text(told: Notification) -> str:
    """For e-mail, in full: a heading and its text, or its texts below it."""
    lines = [line for part in parts(told) for line in _plain(part)]
    links = {"More": told.links.page, "Runbook": told.links.runbook, "Alarm": told.links.alarm}
    return "\n".join(lines + [f"{name}: {link}" for name, link in links.items() if link])


def _plain(part: Part) -> list[str]:
    texts = ["\n  ".join(text.splitlines()) for text in part.lines]
    if len(texts) == 1:
        return [f"{part.heading}: {texts[0]}"]
    return [f"{part.heading}:", *(f"- {text}" for text in texts)]


def as_json(told: Notification, envelope: Envelope) -> dict[str, Any]:
    """For programs: every field, also the empty ones."""
    said = {part.heading: list(short(part).lines) for part in parts(told)}
    return {
        "version": VERSION,
        "id": envelope.id,
        "at": envelope.at.isoformat(),
        "stage": envelope.stage,
        "model": told.model,
        "state": told.state,
        "subject": cut(told.subject),
        "what": cut(told.what),
        "why": cut(told.why),
        "how_much": said.get("How much", []),
        "since": cut(told.since),
        "done": said.get("What was done", []),
        "to_do": cut(told.to_do),
        "links": asdict(told.links),
    }


def as_slack(told: Notification, envelope: Envelope) -> dict[str, Any]:
    """Slack's blocks: a header, a section for each heading, and where it comes from; nothing in it is markup."""
    title = cut(f"{_SIGNS[told.state]} {told.subject}", _HEADER)
    sections = [_section(short(part)) for part in parts(told)]
    links = _links(told)
    context = " · ".join(["Trimtab", envelope.stage, f"{envelope.at:%Y-%m-%d %H:%M} UTC", envelope.id])
    return {
        "text": _escaped(cut(f"{title}: {told.what}", _FALLBACK)),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}},
            *sections,
            *([{"type": "section", "text": {"type": "mrkdwn", "text": links}}] if links else []),
            {"type": "context", "elements": [{"type": "plain_text", "text": cut(context, _HEADER)}]},
        ],
        "unfurl_links": False,
    }


def _section(part: Part) -> dict[str, Any]:
    """Its lines as they are, below a heading: words of others could otherwise be links or mentions."""
    listed = part.lines if len(part.lines) == 1 else [f"• {line}" for line in part.lines]
    heading = f"*{part.heading}*\n"
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": heading + _fitting(listed, _SECTION - len(heading))},
    }


def _fitting(lines: Sequence[str], most: int) -> str:
    """At most so many characters, escaped: at least the first line, and a last one that says if some did not fit."""
    kept = [_escaped_within(line, most - len(f"\n{_LEFT_OUT}")) for line in lines]
    text = "\n".join(kept)
    while len(text) > most:
        kept.pop()
        text = "\n".join([*kept, _LEFT_OUT])
    return text


def _escaped_within(line: str, most: int) -> str:
    """Cut before it is escaped: half an escape would be shown as it is written."""
    while len(_escaped(line)) > most:
        line = cut(line, len(line) - 1)
    return _escaped(line)


def _links(told: Notification) -> str:
    named = {"page": told.links.page, "runbook": told.links.runbook, "alarm": told.links.alarm}
    shown = [
        f"<{_address(link)}|{name}>" if link.startswith("https://") else f"{name}: `{_escaped(link)}`"
        for name, link in named.items()
        if link
    ]
    return cut(" · ".join(shown), _SECTION)


def _address(link: str) -> str:
    """An address that cannot end the markup around it."""
    return _escaped(link).replace("|", "%7C")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
