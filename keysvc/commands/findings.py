"""What a scan has found, and how it is told."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keysvc.commands.sources import Source
from keysvc.commands.sources import Unread
from keysvc.core.secrets.sightings import Lookout
from keysvc.core.secrets.sightings import Sighting
from keysvc.model import Leak

#: By token, what it was found to be.
Answers = Mapping[str, Leak]

#: As many characters of a commit's id as people read.
_COMMIT = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """A token at a path: where it was seen first."""

    path: str
    commit: str | None
    sighting: Sighting

    @property
    def token(self) -> str:
        """Return the token itself, which is never printed."""
        return self.sighting.token

    @property
    def where(self) -> str:
        """Return where it is, for people."""
        commit = f"{self.commit[:_COMMIT]}:" if self.commit else ""
        return f"{commit}{self.path}:{self.sighting.line}"


def collect(
    lookout: Lookout, everything: Iterable[Source], unread: Unread
) -> dict[Finding, int]:
    """
    Return what was found, and how often.

    A token is one finding of each path, and another one of that path in a history: so
    the list does not grow with a log that tells it in every line.
    """
    first: dict[tuple[str, bool, str], Finding] = {}
    times: dict[Finding, int] = {}
    for path, stream, commit in everything:
        with unread.noting(path):
            for seen in lookout.sightings(stream.read):
                key = path, commit is None, seen.token
                finding = first.setdefault(key, Finding(path, commit, seen))
                times[finding] = times.get(finding, 0) + 1
    return times


def for_people(
    found: Mapping[Finding, int], answers: Answers, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows of a table, of these *columns*."""
    rows = zip(found, for_scripts(found, answers), strict=True)
    told = [{"where": finding.where, **row} for finding, row in rows]
    return [{name: row[name] for name in columns} for row in told]


def for_scripts(found: Mapping[Finding, int], answers: Answers) -> list[dict[str, Any]]:
    """Return all that may be told: the part that finds a token, not what proves it."""
    return [
        {
            "path": finding.path,
            "line": finding.sighting.line,
            "commit": finding.commit,
            "times": times,
            "kind": finding.sighting.kind,
            "publicId": finding.sighting.public_id,
            **_told(answers.get(finding.token)),
        }
        for finding, times in found.items()
    ]


def _told(leak: Leak | None) -> dict[str, Any]:
    principal = leak.principal if leak else None
    return {
        "code": leak.code.value if leak else None,
        "id": principal.principal_id if principal else None,
        "owner": principal.owner._asdict() if principal else None,
        "revoked": leak.revoked if leak else False,
    }
