"""PyPI's zenml in an environment of its own, and homes from which it is used."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

from tests.clients.environments import environment_with
from tests.clients.talk import Talk

RELEASE = "0.98.0"

#: Where somebody has it installed already, while he works on these tests.
_INSTALLED = "KEYSVC_TEST_ZENML_PYTHON"

_COMMANDS = Path(__file__).with_name("zenml_commands.py")


def environment_with_zenml(directory: Path) -> Path:
    """Return the python of an environment that has it, or skip with pip's reason."""
    if given := os.environ.get(_INSTALLED):
        return Path(given)
    return environment_with("zenml", directory, [f"zenml=={RELEASE}"])


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Return what it said, in one line: it breaks lines where a terminal ends."""
        return " ".join(f"{self.out} {self.err}".split())


class Raised(Exception):
    """What a call of the client raised: the name of its class, and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class Zenml(Talk):
    """The installed client, imported once, in a process of its own."""

    def __init__(self, python: Path) -> None:
        names = ("ZENML_", "KEYSVC_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(names)}
        wishes = {
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_LOGGING_VERBOSITY": "ERROR",
            "AUTO_OPEN_DASHBOARD": "false",
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        super().__init__(python, _COMMANDS, variables=kept | wishes)

    def do(self, wish: dict[str, Any]) -> Done:
        """Do it in a process that is forked for it."""
        return Done(**self.exchange(wish))


class Home:
    """Somebody's home directory and variables; here ``zenml`` is used."""

    def __init__(self, zenml: Zenml, directory: Path, **variables: str) -> None:
        self._zenml, self._directory = zenml, directory
        config = directory / "config"
        config.mkdir(parents=True)
        self._variables = {
            "HOME": str(directory),
            "ZENML_CONFIG_PATH": str(config),
            **variables,
        }

    def zenml(self, *command: str, said: str = "", code: int = 0) -> Done:
        """Run ``zenml`` with *said* on its standard input; it ends with *code*."""
        done = self._do(command=command, input=said)
        assert done.code == code, done
        return done

    def items(self, *command: str, columns: str) -> list[dict[str, Any]]:
        """Run a command that lists, and return what it shows in *columns*."""
        shown = self.zenml(*command, "--columns", columns, "--output", "json")
        if not shown.out:
            # Of nothing it makes no JSON, but says so.
            assert "found for" in shown.said, shown
            return []
        items: list[dict[str, Any]] = json.loads(shown.out)["items"]
        return items

    def call(self, method: str, /, **arguments: object) -> Any:
        """Call a method of ``Client()``; return what it returns, as JSON."""
        (result,) = self.calls([(method, arguments)])
        if "raised" in result:
            raise Raised(result["raised"], result["says"])
        return result["returned"]

    def calls(self, calls: Sequence[tuple[str, dict[str, object]]]) -> Any:
        """Call methods of one ``Client()``, and return what came of each."""
        done = self._do(calls=calls, input="")
        assert done.code == 0, done
        return json.loads(done.out.splitlines()[-1])

    def _do(self, **wish: object) -> Done:
        place = {"directory": str(self._directory), "environment": self._variables}
        return self._zenml.do(wish | place)
