"""
The metrics themselves, in a registry of their own: a host's is not touched.

One set for a process, whatever applications it holds. Importing this decides whether
values are shared with other processes; see ``directory``.
"""

from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Sequence

from prometheus_client import CollectorRegistry
from prometheus_client import Counter
from prometheus_client import Gauge
from prometheus_client import Histogram

from keysvc.metrics import directory

PREFIX = "keysvc_"

#: Seconds: a look-up takes tenths of a millisecond, a login a second.
_BOUNDS = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)

directory.require()
registry = CollectorRegistry()


class Durations(Histogram):
    """A histogram that is told of many observations at once."""

    def observe_all(self, amounts: Sequence[float]) -> None:
        """Observe each of the amounts: one by one it would take microseconds each."""
        self._sum.inc(sum(amounts))
        for place, count in Counted(bisect_left(_BOUNDS, x) for x in amounts).items():
            self._buckets[place].inc(count)


def _counter(name: str, help_: str, labels: Sequence[str]) -> Counter:
    return Counter(f"{PREFIX}{name}", help_, labels, registry=registry)


def _durations(name: str, help_: str, labels: Sequence[str] = ()) -> Durations:
    return Durations(
        f"{PREFIX}{name}", help_, labels, registry=registry, buckets=_BOUNDS
    )


REQUESTS = _counter(
    "http_requests_total",
    "Requests answered, by the rule of their route.",
    ("route", "method", "status"),
)
REQUEST_SECONDS = _durations(
    "http_request_duration_seconds",
    "Seconds that requests took, from the routing to the answer.",
    ("route", "method"),
)
VERIFICATIONS = _counter(
    "verifications_total",
    "Credentials verified, by the kind that they claim to be and what was found.",
    ("kind", "code"),
)
LOOKUP_SECONDS = _durations(
    "lookup_duration_seconds",
    "Seconds that verifications took which the cache could not answer.",
)
CACHE_LOOKUPS = _counter(
    "cache_lookups_total",
    "Verifications answered from the cache (hit), or by the database (miss).",
    ("result",),
)
LOGINS = _counter(
    "logins_total",
    "Logins, by what was presented and what came of it.",
    ("by", "code"),
)
FEED_AGE = Gauge(
    f"{PREFIX}feed_age_seconds",
    "Seconds since the slowest process has heard the change feed.",
    registry=registry,
    multiprocess_mode="livemax",
)
FEEDS = Gauge(
    f"{PREFIX}feeds",
    "Processes that follow the change feed; a stale one does not use its cache.",
    ("state",),
    registry=registry,
    multiprocess_mode="livesum",
)
POOL = Gauge(
    f"{PREFIX}pool_connections",
    "Connections to the database, by whether somebody uses them.",
    ("state",),
    registry=registry,
    multiprocess_mode="livesum",
)
POOL_LIMIT = Gauge(
    f"{PREFIX}pool_connections_limit",
    "Connections that all processes together may open.",
    registry=registry,
    multiprocess_mode="livesum",
)
