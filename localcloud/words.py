"""Sets of names as one line of text."""


def words(text: str) -> frozenset[str]:
    """A set of names, written with spaces between."""
    return frozenset(text.split())
