"""For each route, requests that somebody could send; a module of each family."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

from benchmarks.targets import access_keys
from benchmarks.targets import api_keys
from benchmarks.targets import keypairs
from benchmarks.targets.target import Target

#: The targets of each family, among so many credentials.
FAMILIES: dict[str, Callable[[int], Sequence[Target]]] = {
    "keypairs": keypairs.targets,
    "api-keys": api_keys.targets,
    "access-keys": access_keys.targets,
}


def targets(families: Iterable[str], count: int, word: str = "") -> list[Target]:
    """Return the targets of these *families* that have *word* in their names."""
    found = [target for name in families for target in FAMILIES[name](count)]
    return [target for target in found if word in target.name]
