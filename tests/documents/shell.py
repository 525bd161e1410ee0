"""A shell that replays what a document shows, and what may differ from run to run."""

import re
import subprocess
from pathlib import Path
from typing import Self
from uuid import uuid4

from tests.service.servers import environment

#: What differs from run to run, and what stands for it.
_VARYING = (
    (r"(?im)^(Date|Server): .*$", r"\1: …"),
    (r"(Migrated the database: \w+\.\s*)+", "MIGRATED\n"),
    (r"\bpassed in \d+\.\d+s", "passed in SECONDS"),
    (r'"nextPageToken": ?"[^"]+"', '"nextPageToken":"PAGE-TOKEN"'),
    (r"(pageToken=)[A-Za-z0-9._~-]+", r"\1PAGE-TOKEN"),
    (r'"totalQueries": ?\d+', '"totalQueries":N'),
    (r"\bKP[A-Z2-7]{18}\b", "ACCESS-KEY"),
    (r"\bkso_[0-9A-Za-z]{54}\b", "TOKEN"),
    (r'"suffix": ?"[0-9A-Za-z]{6}"', '"suffix":"SUFFIX"'),
    (r"\b[0-9a-f]{64}\b", "MAC"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9A-Za-z]{40}\b", "SECRET-KEY"),
    (r"\bks[as]_[0-9A-Za-z]{54}\b", "TOKEN"),
    (r'"expires_in":\d+', '"expires_in":SECONDS'),
    (r"\b[0-9a-f]{16}\b", "KEY-ID"),
    (r"(?<=_key  )[0-9A-Za-z]{16}\b", "PUBLIC-ID"),
    (
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?",
        "TIME",
    ),
)


def normal(text: str) -> str:
    """Return *text* as it is in every run."""
    lines = [line.rstrip() for line in text.replace("\r", "").splitlines()]
    text = "\n".join(lines).strip()
    for pattern, placeholder in _VARYING:
        text = re.sub(pattern, placeholder, text)
    return text


class Shell:
    """
    One bash session: what a command leaves behind is there for the next.

    Args:
        settings: Variables of its environment, which holds no other ``KEYSVC_*``.
    """

    def __init__(self, directory: Path, home: Path, **settings: object) -> None:
        home.mkdir()
        # No progress meter: on a terminal there would be none beside the answer.
        (home / ".curlrc").write_text("no-progress-meter\n")
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=directory,
            env=environment(HOME=home, CURL_HOME=home, **settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._bash.communicate()

    def run(self, command: str) -> str:
        """Return what *command* wrote, to whatever stream."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        end = f"end-{uuid4()}"
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null\necho; echo {end}\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line.strip() == end:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"The shell ended at: {command}\n{''.join(lines)}")
