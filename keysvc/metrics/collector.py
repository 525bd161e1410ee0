"""
All of keysvc's metrics, for ``/metrics`` and for a host that tells its own.

A host's registry takes ``collector``: ``REGISTRY.register(collector)``. Where values
are shared, ``MultiProcessCollector`` of the host's finds them without it.
"""

import os
import struct
from collections.abc import Iterable
from typing import Any

from prometheus_client import Metric
from prometheus_client import values
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from keysvc.errors import Unavailable
from keysvc.metrics import directory
from keysvc.metrics.instruments import PREFIX
from keysvc.metrics.instruments import registry
from keysvc.metrics.reporter import hand_over_all


class KeysvcCollector:
    """Collects keysvc's metrics: of this process, or of all that share a directory."""

    def describe(self) -> Iterable[Metric]:
        """Yield the metrics, for a registry to see that no other has their names."""
        return registry.collect()

    def collect(self) -> Iterable[Metric]:
        """
        Yield the metrics as they are now; of other processes, as a second ago.

        Raises:
            Unavailable: If what the others have written cannot be read.
        """
        for metric in _shared() if _IS_SHARED else _own():
            if metric.name.startswith(PREFIX):
                metric.samples = [s for s in metric.samples if not _is_noise(s.name)]
                yield metric


#: How prometheus-client has decided when it was imported, by whomever.
_IS_SHARED = values.ValueClass is not values.MutexValue

collector = KeysvcCollector()


def exposition() -> tuple[bytes, str]:
    """Return the metrics as any Prometheus reads them, and their media type."""
    encode, media_type = choose_encoder("")
    return encode(collector), media_type


def _own() -> Iterable[Metric]:
    hand_over_all()
    return registry.collect()


def _shared() -> list[Metric]:
    """Return what is in the directory, a host's own metrics among it."""
    try:
        hand_over_all()
        # Untyped, as all of this module of the library.
        shared: Any = MultiProcessCollector
        return list(shared(None, os.environ.get(directory.VARIABLE)).collect())
    except (OSError, ValueError, struct.error):
        # Gone, or a process has just begun to write there.
        raise Unavailable("The metrics of all workers cannot be read.") from None


def _is_noise(sample: str) -> bool:
    """Tell of a time of creation: nobody asks, and shared values have none."""
    return sample.endswith("_created")
