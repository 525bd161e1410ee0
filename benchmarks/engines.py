"""The databases that are measured."""

import click

ENGINES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}

engine_option = click.option(
    "--engine",
    "engines",
    default=list(ENGINES),
    show_default=True,
    multiple=True,
    type=click.Choice(list(ENGINES)),
)
