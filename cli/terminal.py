"""How wide the terminal is."""

from rich.console import Console


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, and wide enough to read where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=170)
