"""What models do in production, why, and what people can do about it."""

import sys

from cli import without_pandas

if __name__ == "__main__":
    without_pandas.install()

import typer

from cli.commands import Commands
from cli.errors import CommandError
from trimtab.errors import TrimtabError

app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)


@app.callback()
def trimtab() -> None:
    """Continuous delivery for machine-learning models, on AWS and on this laptop."""


def main() -> None:
    """The command ran; exit status 1 with one sentence when it could not, and a traceback only with --debug."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        app(prog_name="trimtab")
    except _told_in_one_sentence() as error:
        if debug:
            raise
        print(f"trimtab: {error}", file=sys.stderr)
        sys.exit(1)


def _told_in_one_sentence() -> tuple[type[Exception], ...]:
    """Errors that are the caller's or the world's; botocore's only if the command has imported it."""
    ours = (CommandError, TrimtabError, OSError)
    if "botocore" not in sys.modules:
        return ours
    from botocore.exceptions import BotoCoreError, ClientError

    return *ours, BotoCoreError, ClientError


if __name__ == "__main__":
    main()
