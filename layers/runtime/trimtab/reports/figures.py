"""Numbers as people read them, and how long a page may be. Needs nothing but Python."""

from typing import Any, Final

PAGE_BYTES: Final = 200_000
"""A page is shorter than this whatever it is about: lists are cut until it is; the JSON beside it has everything."""


def figure(value: Any) -> str:
    """A number as people read it: four significant digits, thousands apart; a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:.4g}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:.4g}"
    return str(value)
