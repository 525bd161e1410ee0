"""Hand over what a service has counted."""

import math
from weakref import WeakSet

from keysvc.core.background import Background
from keysvc.core.service import Service
from keysvc.core.tally import Tallies
from keysvc.store.pools import pool_use

#: Seconds that a count waits at most before other processes can see it.
_INTERVAL = 1.0


class Reporter:
    """Hand over what *service* counts, once a second from its first count on."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._turns = Background("keysvc-metrics", _INTERVAL, self.hand_over)
        for tally in service.tallies.every():
            tally.follow(self._turns.start)
        _reporters.add(self)

    def hand_over(self) -> None:
        """Add what was counted since the last time, and say how things are now."""
        _add(self.service.tallies)
        _tell_feeds()
        _tell_pool()


_reporters: WeakSet[Reporter] = WeakSet()


def hand_over_all() -> None:
    """Let every service of this process hand over."""
    for reporter in list(_reporters):
        reporter.hand_over()


def _add(tallies: Tallies) -> None:
    # Imported by the first who needs it: see the package.
    from keysvc.metrics import instruments as told

    for (route, method, status), times in tallies.requests.take().items():
        told.REQUESTS.labels(route, method, status).inc(len(times))
        told.REQUEST_SECONDS.labels(route, method).observe_all(times)
    for (kind, code, source), times in tallies.verifications.take().items():
        told.VERIFICATIONS.labels(kind, code).inc(len(times))
        if source == "cache":
            told.CACHE_LOOKUPS.labels("hit").inc(len(times))
        elif source == "database":
            told.CACHE_LOOKUPS.labels("miss").inc(len(times))
            told.LOOKUP_SECONDS.observe_all(times)
    for (by, code), times in tallies.logins.take().items():
        told.LOGINS.labels(by, code).inc(len(times))


def _tell_feeds() -> None:
    """Say how the feeds are that are followed: one begins with the first look-up."""
    from keysvc.metrics import instruments as told

    feeds = [reporter.service.feed for reporter in list(_reporters)]
    followed = [feed for feed in feeds if feed.age() < math.inf]
    if not followed:
        return
    fresh = sum(feed.is_fresh() for feed in followed)
    told.FEED_AGE.set(max(feed.age() for feed in followed))
    told.FEEDS.labels("fresh").set(fresh)
    told.FEEDS.labels("stale").set(len(followed) - fresh)


def _tell_pool() -> None:
    from keysvc.metrics import instruments as told

    use = pool_use()
    told.POOL.labels("used").set(use.used)
    told.POOL.labels("idle").set(use.idle)
    told.POOL_LIMIT.set(use.limit)
