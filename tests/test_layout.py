"""The fixed layout, and the one name it must not take from a host."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_is_installed() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    found = {p.parent for p in (ROOT / "keysvc").rglob("__init__.py")}
    found.add(ROOT / "keysvc" / "schemas")

    named = config["options"]["packages"].split()

    assert set(named) == {".".join(p.relative_to(ROOT).parts) for p in found}


def test_the_link_points_at_the_schemas() -> None:
    assert (ROOT / "keysvc" / "schemas").readlink() == Path("../schemas")


def test_no_module_has_outgrown_its_room() -> None:
    modules = [p for d in ("keysvc", "schemas") for p in (ROOT / d).rglob("*.py")]
    assert modules
    assert not [p for p in modules if len(p.read_text().splitlines()) > 250]
