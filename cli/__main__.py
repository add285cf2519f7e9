"""`trimtab`: the commands, gathered."""

import json
import sys

from cli import without_pandas

if __name__ == "__main__":
    without_pandas.install()

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli import data, drops, history, local, packages, validate
from cli.stage import CommandError
from trimtab.errors import TrimtabError
from trimtab.spec import json_schema

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(data.app, name="data", help="The data gate on files of this machine.")
app.add_typer(drops.app, name="drops", help="Drops that were refused.")
app.add_typer(local.app, name="local", help="The same app on this laptop.")
app.add_typer(packages.app, name="models", help="Versions in the model registry.")
app.command("drop")(drops.drop)
app.command("history")(history.history)
app.command("approve")(packages.approve)
app.command("reject")(packages.reject)
app.command("validate")(validate.validate)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of model.yaml, for editors."""
    print(json.dumps(json_schema(), indent=2))


def main() -> None:
    """The command ran; exit status 1 with one sentence when it could not, and a traceback only with --debug."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        app(prog_name="trimtab")
    except (CommandError, TrimtabError, ClientError, BotoCoreError, OSError) as error:
        if debug:
            raise
        print(f"trimtab: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
