"""``keysvc …``: the stand-alone application's commands."""

import logging

from flask.cli import ScriptInfo

from keysvc.commands import commands
from keysvc.factory import create_app


def main() -> None:
    """Run the command that the arguments name."""
    # Commands talk themselves; the application around them need not.
    logging.disable(logging.WARNING)
    commands.main(prog_name="keysvc", obj=ScriptInfo(create_app=lambda: create_app()))
