"""The README says what is so: its settings, and its two commands."""

import re
import shlex
from dataclasses import fields

from keysvc.config import PREFIX
from keysvc.config import Settings
from keysvc.metrics.instruments import registry
from tests.documents.reading import blocks
from tests.documents.reading import README
from tests.documents.reading import ROOT


def test_every_setting_has_a_line() -> None:
    table = re.findall(r"^\| *`(KEYSVC_\w+)` *\|(.*)\|$", README.read_text(), re.M)
    names = [name for name, _ in table]

    assert sorted(names) == sorted(PREFIX + f.name.upper() for f in fields(Settings))
    for name, rest in table:
        assert len(rest.rpartition("|")[2].split()) >= 3, f"{name} is not explained."


def test_the_defaults_are_the_ones_of_the_table() -> None:
    text = README.read_text()
    for name, default in Settings().environment().items():
        [said] = re.findall(rf"^\| *`{name}` *\|([^|]*)\|", text, re.M)
        told = said.strip().strip("`")
        if name in {"KEYSVC_DATABASE_URL", "KEYSVC_SECRET_KEYS_FILE"}:
            assert told.replace("sqlite:///", "").startswith("$KEYSVC_HOME/")
        elif name == "KEYSVC_HOME":
            assert told == f"./{default}"
        else:
            assert _plain(told) == _plain(default), name


def test_the_two_commands_are_there() -> None:
    text = README.read_text()

    assert (
        "$ python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/keysvc serve"
        in text
    )
    [test] = re.findall(r"^\$ (.*bin/pytest)$", text, re.M)
    assert shlex.split(test)[-1] == ".venv/bin/pytest"


def _plain(value: str) -> object:
    try:
        return float(value)
    except ValueError:
        return value.lower()


def test_the_metrics_are_the_ones_that_are_told() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    told = {metric.name for metric in registry.collect()}
    totals = {f"{m.name}_total" for m in registry.collect() if m.type == "counter"}
    told = {name for name in told if f"{name}_total" not in totals} | totals

    table = re.findall(r"^\| `(keysvc_\w+)` \|", text, re.M)
    shown = "".join(block.text for block in blocks(ROOT / "docs/operations.md", "yaml"))

    assert sorted(table) == sorted(told)
    assert {*re.findall(r"\bkeysvc_\w+", shown)} <= told
