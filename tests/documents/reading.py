"""The README and docs/, as somebody reads them: block by block, step by step."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ESTATE = ROOT / "docs" / "estate.md"

#: Their sessions are with a service that stands on its own.
SESSIONS = (README, ROOT / "docs" / "curl.md", ROOT / "docs" / "operations.md")

DOCUMENTS = (*SESSIONS, ESTATE)

#: A block of such commands is not replayed: it installs, serves, or needs others.
NOT_REPLAYED = (
    "python3 -m venv",
    "openssl",
    "apt",
    "nginx",
    "pg_dump",
    "pg_restore",
    "sqlite3",
    "gunicorn",
    "granian",
    "keysvc serve",
)


class Step(NamedTuple):
    """A command of a document, and what the document says that comes of it."""

    command: str
    output: str

    @property
    def is_listed(self) -> bool:
        """Tell whether it is one of those that are not replayed."""
        return self.command.startswith(NOT_REPLAYED)


class Block(NamedTuple):
    """What stands between two fences, and the word behind the first."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """Return the file of a Python block, which its first line names."""
        first = re.match(r"# (\w+\.py)(, further down)?\n", self.text)
        assert first, f"This block names no file:\n{self.text}"
        return first[1]

    @property
    def steps(self) -> list[Step]:
        """Return the steps of a console block."""
        # A line that ends in a backslash goes on in the next one.
        steps = re.split(r"^\$ ", self.text, flags=re.M)
        assert steps[0] == "", f"This block begins without a command:\n{self.text}"
        found = [re.fullmatch(r"((?:.*\\\n)*.*\n)((?:.*\n)*)", s) for s in steps[1:]]
        return [Step(m[1].rstrip("\n"), m[2]) for m in found if m]


def blocks(document: Path, *languages: str) -> list[Block]:
    """Return the blocks of *document* that are in one of *languages*, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", document.read_text(), re.M | re.S)
    return [Block(*block) for block in found if block[0] in languages]


def name_of(document: Path) -> str:
    """Return how a test of *document* is called."""
    return document.stem
