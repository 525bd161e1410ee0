"""The service as schemathesis can read it: REPORT under a method that it knows."""

import copy
import os
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import strategies as st
from schemathesis.schemas import BaseSchema

from keysvc.core.cursors import Cursors
from keysvc.core.secrets.ring import parse
from keysvc.core.secrets.vault import Vault
from keysvc.model import Issued
from tests.conftest import RING

#: How many times as much as in every run: .ci/long takes its time.
TIMES = int(os.environ.get("KEYSVC_FUZZ_TIMES", "1"))

#: What each test sends at least, on each engine; together they make more than the
#: 5,000 that are asked for of every run, and the 20,000 of a long one.
SHARES = {
    "contract, admin": 900,
    "contract, stranger": 800,
    "links": 200,
    "bodies": 900 * TIMES,
    "paths": 500 * TIMES,
    "headers": 400 * TIMES,
}


class AsQuery:
    """
    WSGI middleware: what schemathesis sends as QUERY arrives as REPORT.

    It knows no ``additionalOperations``. Every answer is counted, by its status.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "QUERY":
            environ["REQUEST_METHOD"] = "REPORT"

        def begin(status: str, headers: list[tuple[str, str]], *exc: Any) -> Any:
            with self._lock:
                self.answers[status[:3]] += 1
            return start_response(status, [_renamed(*h) for h in headers], *exc)

        return self._app(environ, begin)

    def require(self, share: str) -> None:
        """Hold the requests so far to their *share*, and to no answer of 5xx."""
        assert self.answers.total() >= SHARES[share], self.answers
        assert not [status for status in self.answers if status >= "500"]


def contract_of(app: Flask, as_query: AsQuery, issued: Issued | None) -> BaseSchema:
    """Return what *app* says of itself, to be asked with *issued*, or as a stranger."""
    document = app.test_client().get("/openapi.json").json
    schema = schemathesis.openapi.from_dict(report_as_query(document))
    schema.app = as_query
    if issued is not None:
        pair = f"{issued.credential.public_id}:{issued.secret}"
        basic = b64encode(pair.encode()).decode()
        schema.config.headers = {"Authorization": f"Basic {basic}"}
    return schema


def report_as_query(document: Any) -> Any:
    """Return *document* with REPORT in the place of QUERY."""
    document = copy.deepcopy(document)
    for item in document["paths"].values():
        if extra := item.pop("additionalOperations", None):
            assert set(extra) == {"REPORT"}
            item["query"] = extra["REPORT"]
    return document


def _renamed(name: str, value: str) -> tuple[str, str]:
    return name, value.replace("REPORT", "QUERY") if name == "Allow" else value


def register_formats() -> None:
    """Teach schemathesis the formats that it does not know."""
    schemathesis.openapi.format("cidr", networks())
    # Nobody can make one up; this one is of the tests' ring, and of the whole audit.
    token = Cursors(Vault(lambda: parse(RING, "the tests"))).sign(["audit", None], 0)
    schemathesis.openapi.format("page-token", st.just(token))
    truths = st.sampled_from(["true", "0", "equals:Yes", "notequals:off", "isnull:"])
    schemathesis.openapi.format("boolean-filter", truths)
    schemathesis.openapi.format("moment-filter", moments())


def moments() -> st.SearchStrategy[str]:
    """Return conditions on a time."""
    times = st.datetimes().map(lambda moment: moment.isoformat(" "))
    operators = ["", "equals:", "notequals:", "gt:", "gte:", "lt:", "lte:"]
    return st.one_of(
        st.sampled_from(["isnull:", "isnotnull:", "oneof:[]"]),
        st.tuples(st.sampled_from(operators), times).map("".join),
        st.tuples(times, times).map(lambda pair: f"in:{pair[0]},{pair[1]}"),
    )


def networks() -> st.SearchStrategy[str]:
    """Return networks in CIDR notation, of both versions."""
    four = st.tuples(st.ip_addresses(v=4), st.integers(0, 32))
    six = st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
    return st.one_of(four, six).map(
        lambda pair: str(ip_network(f"{pair[0]}/{pair[1]}", strict=False))
    )
