"""
Forward auth, on the bare WSGI environ: ``GET /v1/auth``.

``keysvc.gate:application`` is a WSGI application of its own, which knows nothing but
``/v1/auth`` and ``/healthz``: for data planes on workers or servers of their own.
"""

from typing import Any

from keysvc.gate.gate import Gate

__all__ = ["Gate"]


def __getattr__(name: str) -> Any:
    # Built when a server asks for it, not when a host imports the class above.
    if name != "application":
        raise AttributeError(name)
    from keysvc.gate.alone import build

    return build()
