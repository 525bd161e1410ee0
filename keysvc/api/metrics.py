"""What Prometheus reads: ``/metrics``."""

from flask import Response
from flask.typing import ResponseReturnValue

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.shapes import CORE
from keysvc.auth.chain import watching

_TEXT = {
    200: {
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}
        }
    }
}

blp = FamilyBlueprint("keysvc-metrics", "/metrics", CORE, watching)


@blp.route("", methods=["GET"])
@blp.response(200)
@blp.doc(responses=_TEXT)
def show_metrics() -> ResponseReturnValue:
    """Tell what all the workers have counted, in the text format of Prometheus."""
    # Whether values are shared is decided by this import: not before anybody asks.
    from keysvc.metrics.collector import exposition

    text, media_type = exposition()
    return Response(text, content_type=media_type)
