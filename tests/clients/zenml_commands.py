"""
What ZenML's client makes of commands and calls: one a line, as JSON, and its result.

It is run by the python of that client's own environment (see ``zenml_house.py``).
To import the client takes seconds; so that is done once, and every line has a process
of its own, forked here, with the variables and in the directory that the line tells.
"""

import json
import os
import sys
import tempfile
from importlib.metadata import entry_points
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import zenml.zen_stores.rest_zen_store
from zenml.client import Client

# Its command line keeps standard output for itself, and turns ``print`` away from it.
_ANSWERS = os.fdopen(os.dup(1), "w")

(_SCRIPT,) = entry_points(group="console_scripts", name="zenml")
_zenml = _SCRIPT.load()


def main() -> None:
    """Greet, and then do what is told, until the input ends."""
    store = zenml.zen_stores.rest_zen_store.__name__
    _say(
        {
            "client": version("zenml"),
            "knowsKeysvc": find_spec("keysvc") is not None,
            "store": store,
        }
    )
    while line := sys.stdin.readline():
        _say(_in_a_process_of_its_own(json.loads(line)))


def _in_a_process_of_its_own(wish: dict[str, Any]) -> dict[str, Any]:
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        given.write(wish["input"])
        given.seek(0)
        child = os.fork()
        if not child:
            _become(wish, [given.fileno(), out.fileno(), err.fileno()])
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        code = os.waitstatus_to_exitcode(status)
        return {"code": code, "out": out.read(), "err": err.read()}


def _become(wish: dict[str, Any], files: list[int]) -> None:
    # That of an interpreter which ends with a traceback.
    code = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
        # Nobody is asked at a terminal.
        os.setsid()
        os.chdir(wish["directory"])
        os.environ.update(wish["environment"])
        code = _run(wish["command"]) if "command" in wish else _call(wish["calls"])
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(command: list[str]) -> int:
    """Do what the script ``zenml`` does."""
    sys.argv = ["zenml", *command]
    try:
        _zenml()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _call(calls: list[list[Any]]) -> int:
    """Call methods of one ``Client()``, and print what each returned or raised."""
    results = []
    for method, arguments in calls:
        try:
            returned = getattr(Client(), method)(**arguments)
        except Exception as error:
            results.append({"raised": type(error).__name__, "says": str(error)})
        else:
            told = returned and returned.model_dump(mode="json")
            results.append({"returned": told})
    os.write(1, json.dumps(results).encode())
    return 0


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), file=_ANSWERS, flush=True)


if __name__ == "__main__":
    main()
