"""What commands print: tables for people, JSON for scripts."""

import json
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import click
from tabulate import tabulate


def print_one(fields: Mapping[str, Any], as_json: bool) -> None:
    """Print one thing, for people or for scripts."""
    print_json(fields) if as_json else print_fields(fields)


def print_all(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print things of one kind, for people or for scripts."""
    print_json(rows) if as_json else print_table(rows)


def print_json(value: Any) -> None:
    """Print *value* as one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_table(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one line for each row, under the names of its fields."""
    cells = [{name: _cell(value) for name, value in row.items()} for row in rows]
    click.echo(tabulate(cells, headers="keys", disable_numparse=True))


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print one line for each field of one thing."""
    rows = [(name, _cell(value)) for name, value in fields.items()]
    click.echo(tabulate(rows, tablefmt="plain", disable_numparse=True))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
