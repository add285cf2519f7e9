"""The model's alarms as CloudWatch has them: which ring, and how often each went off."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from trimtab.monitoring.alarms import AlarmReader, label_of

_OURS = "trimtab"
"""All alarms of the stages begin so."""
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"[\w-]*Alarms[A-Za-z]+?[0-9A-F]{8}(-\w+)?")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
MUTING, PAGES = "settling", frozenset({"page", "service page"})
"""What rings while a rollout runs, of which nobody is told; and what rings above others."""


def kind_of(name: str) -> str:
    """What an alarm is about: the construct's id as words, or the whole name of an alarm that is of no model."""
    label = label_of(name)
    return name if label == name else _CAPITAL.sub(" ", label).lower()


def plain(text: str) -> str:
    """A sentence with the kinds of alarms in place of their names."""
    return _WHOLE.sub(lambda found: kind_of(found[0]), text)


def ringing(reader: AlarmReader) -> frozenset[str]:
    """Kinds of the alarms that ring now, without the pages above them."""
    return frozenset(kind_of(each.name) for each in reader.under(_OURS) if each.state == "ALARM") - PAGES - {MUTING}


def went_off(reader: AlarmReader) -> Mapping[str, int]:
    """How often each kind of alarm has gone to ALARM, pages included."""
    turns = (turn for alarm in reader.under(_OURS) for turn in reader.turns(alarm.name, _EVER))
    return Counter(kind for turn in turns if turn.after == "ALARM" and (kind := kind_of(turn.alarm)) != MUTING)
