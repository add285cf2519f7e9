"""Why a command could not be carried out."""


class CommandError(Exception):
    """A command that cannot be carried out, with what to do instead."""
