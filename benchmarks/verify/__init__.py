"""How fast verification is: ``python -m benchmarks.verify``."""
