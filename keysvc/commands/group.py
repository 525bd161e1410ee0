"""The group of commands, and what all of them share."""

import errno
import getpass
from typing import Any

import click
from flask.cli import AppGroup

from keysvc.errors import Invalid
from keysvc.errors import KeysvcError
from keysvc.errors import Unavailable
from keysvc.model import Caller
from keysvc.traces import trace_of

#: What click raises to end a command, and tells itself.
_OF_CLICK = (click.ClickException, click.exceptions.Exit, click.Abort, EOFError)


class Commands(AppGroup):
    """A group whose commands tell keysvc's errors as sentences, with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Invalid as error:
            lines = [f"{k}: {' '.join(v)}" for k, v in error.fields.items()]
            raise click.ClickException("\n".join(lines) or str(error)) from error
        except Unavailable as error:
            hint = "If nothing was made yet, `keysvc init` does it."
            raise click.ClickException(f"{error} {hint}") from error
        except KeysvcError as error:
            raise click.ClickException(str(error)) from error
        except _OF_CLICK:
            raise
        except Exception as error:
            if getattr(error, "errno", None) == errno.EPIPE:
                raise
            # Python's own traceback would quote what was given, or a row.
            raise click.ClickException(
                f"This went wrong:\n{trace_of(error)}"
            ) from error


#: For commands whose output a script would read.
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def operator() -> Caller:
    """Return the caller that a command stands for: whoever can run it may do all."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return Caller(kind="cli", id=user, owner=None, scopes=("*",))


@click.group(
    cls=Commands,
    name="keysvc",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(package_name="keysvc")
def commands() -> None:
    """
    Issue, list, change and delete API credentials.

    `keysvc serve` is all that a first try needs: it makes what is missing (a
    database and a ring of secret keys in ./instance) and answers on port 8000.
    Settings are variables that begin with KEYSVC_; the README lists them.
    """
