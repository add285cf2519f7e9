"""A running AWS on a laptop: moto's server with execution behind it, one process on the loopback address."""


class StartupError(Exception):
    """Raised when the local cloud cannot start; the message is one sentence for the person at the keyboard."""
