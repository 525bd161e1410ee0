"""Labels of requests: few, whatever clients send."""


class _Methods(dict[str, str]):
    """Each method that a client of ours may use; any other one is ``OTHER``."""

    def __missing__(self, method: str) -> str:
        return "OTHER"


METHODS = _Methods(
    (method, method)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT")
)

#: The route of what has reached none; every real one begins with a slash.
UNMATCHED = "unmatched"
