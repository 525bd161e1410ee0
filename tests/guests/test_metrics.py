"""A host has metrics of its own: keysvc's stay apart, until the host wants them."""

from collections.abc import Callable

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_client import Counter
from prometheus_client import generate_latest
from prometheus_client import REGISTRY

from keysvc.guard import require_key
from keysvc.metrics.collector import collector
from keysvc.testing import client_with_key
from tests.metrics.reading import read

Mount = Callable[..., Flask]
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_the_hosts_registry_is_left_alone(mounted: Mount) -> None:
    before = generate_latest(REGISTRY).decode()
    mine = CollectorRegistry()
    # Not even this name is taken.
    jobs = Counter("keysvc_verifications", "Mine.", registry=mine)
    jobs.inc()
    host = mounted(Flask("shop"))

    told = host.test_client().get("/keys/metrics")

    assert told.status_code == 200
    assert "keysvc_" not in before + generate_latest(REGISTRY).decode()
    assert "keysvc_verifications_total 1.0" in generate_latest(mine).decode()
    assert read(told.text)["http_requests_total{}"] == 0


def test_a_host_can_tell_them_with_its_own(mounted: Mount) -> None:
    host = mounted(Flask("shop"))
    host.add_url_rule("/jobs", view_func=require_key()(lambda: "jobs"))
    client = client_with_key(host, "keypair")
    mine = CollectorRegistry(auto_describe=True)
    Counter("jobs", "Mine.", registry=mine).inc()
    mine.register(collector)
    name = 'keysvc_verifications_total{code="VALID",kind="keypair"}'

    def verified() -> float:
        lines = generate_latest(mine).decode().splitlines()
        assert "jobs_total 1.0" in lines
        found = [line.split()[-1] for line in lines if line.startswith(name)]
        return float(found[0]) if found else 0.0

    before = verified()
    for _ in range(3):
        assert client.get("/jobs").status_code == 200
    client.get("/keys/healthz")

    assert verified() == before + 3
    told = generate_latest(mine).decode()
    assert 'route="/keys/healthz"' in told
    # Of the host's own views nothing is counted but who was verified.
    assert "/jobs" not in told


def test_two_applications_are_counted_together(mounted: Mount) -> None:
    one, two = mounted(Flask("shop")), mounted(Flask("office"), "/other")
    name = "http_requests_total{{method=GET,route={}/healthz,status=200}}"
    before = read(one.test_client().get("/keys/metrics").text)
    one.test_client().get("/keys/healthz")
    for _ in range(2):
        two.test_client().get("/other/healthz")

    for told in (
        one.test_client().get("/keys/metrics"),
        two.test_client().get("/other/metrics"),
    ):
        grown = read(told.text).since(before)
        assert grown[name.format("/keys")] == 1
        assert grown[name.format("/other")] == 2
