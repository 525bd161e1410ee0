"""A program that uses somebody else's client, and is talked to in lines of JSON."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Self


class Talk:
    """
    A program in a process of its own, from its greeting on.

    Args:
        first: What it is told before it greets; None if it greets by itself.
        variables: Its environment; None for ours.
    """

    def __init__(
        self,
        python: Path,
        program: Path,
        first: object = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        # -I: nothing of this checkout can be imported there.
        self.process = subprocess.Popen(
            [python, "-I", program],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._first = first
        self.greeting: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            if self._first is not None:
                self.say(self._first)
            self.greeting = self.hear()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    def exchange(self, what: object) -> Any:
        """Say *what*, and return the answer."""
        self.say(what)
        return self.hear()

    def say(self, what: object) -> None:
        """Send one line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """Return the next line."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said, "The client has ended: its traceback is on stderr."
        return json.loads(said)

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
