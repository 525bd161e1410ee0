"""
What keysvc tells Prometheus.

The core counts in plain Python (``keysvc.core.tally``); once a second, and whenever
somebody asks, what it has counted goes to prometheus-client. That one decides at its
import whether the values of several processes are gathered in a directory, so nothing
here imports it before somebody counts or asks.
"""
