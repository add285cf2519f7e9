"""What each version has answered in a window: a window of its own to whoever measures it.

While a rollout goes on, or two versions are compared, a window holds answers of both. Each is held against its own
training rows and its own evaluation, and an alarm follows the one that serves.
"""

import re
from typing import Final

from trimtab.contracts import Window

_OF_VERSION: Final = re.compile(r"-v\d+$")


def parts_of(window: Window, least: int) -> list[Window]:
    """The records of the version that answered most, and of each other one that has answered ``least`` or more.

    The first has the window's id. The others have their version at its end, and so entries and files of their own.
    """
    rows = {int(version): count for version, count in window.versions.items()}
    others = [version for version, count in rows.items() if version not in (0, window.version) and count >= least]
    return [
        window.model_copy(update={"rows": rows.get(window.version, window.rows)}),
        *(_part(window, version, rows[version]) for version in others),
    ]


def whole_of(part: str) -> str:
    """Id of the window that a part belongs to."""
    return _OF_VERSION.sub("", part)


def _part(window: Window, version: int, rows: int) -> Window:
    return window.model_copy(update={"id": f"{window.id}-v{version}", "version": version, "rows": rows, "config": ""})
