"""keysvc as an application of its own."""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask import request
from flask import Response
from werkzeug.exceptions import default_exceptions
from werkzeug.exceptions import HTTPException

from keysvc import logs
from keysvc.api import root
from keysvc.api.blueprint import answer
from keysvc.api.blueprint import finish
from keysvc.api.blueprint import log_fault
from keysvc.api.intake import check_path
from keysvc.api.shapes import CORE
from keysvc.api.shapes import Shape
from keysvc.current import begin
from keysvc.current import service
from keysvc.errors import Malformed
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.extension import FAMILIES
from keysvc.extension import KeyService


class Keysvc(Flask):
    """The application: Flask without what is never needed here."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return *func*: nothing here is async, and Flask asks nine times a request."""
        return func

    def log_exception(self, exc_info: Any) -> None:
        """Log a fault outside of the families; Flask would tell the path."""
        log_fault(exc_info[1])


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """
    Build the application from the ``KEYSVC_*`` variables, then *config*.

    Raises:
        Misconfigured: If a setting is wrong, or the ring is not the database's.
    """
    app = Keysvc("keysvc", static_folder=None)
    # Two slashes are not one: no path is cut anew, and no answer is a redirect.
    app.url_map.merge_slashes = False
    app.config.update(config or {})
    KeyService(app)
    app.before_request(begin)
    logs.configure(app)
    _add_own_pages(app)
    for code in default_exceptions:
        app.register_error_handler(code, _answer_unmatched)
    app.after_request(finish)
    _refuse_foreign_ring(app)
    return app


def _add_own_pages(app: Flask) -> None:
    api = app.extensions["flask-smorest"]["apis"]["KEYSVC_"]["ext_obj"]
    api.register_blueprint(root.blp)
    app.add_url_rule("/docs", view_func=root.docs)
    app.add_url_rule("/docs/start.js", view_func=root.start)
    app.add_url_rule("/docs/assets/<path:name>", view_func=root.assets)


def _answer_unmatched(error: HTTPException) -> Response:
    """Answer what reached no route, like the family whose path it nearly had."""
    shape = _shape_of(request.path)
    try:
        check_path()
    except Malformed as malformed:
        return answer(malformed, shape)
    return answer(error, shape)


def _shape_of(path: str) -> Shape:
    near = [f for f in FAMILIES if f.url_prefix and path.startswith(f"{f.url_prefix}/")]
    if not near:
        return CORE
    shape: Shape = max(near, key=lambda family: len(family.url_prefix)).shape
    return shape


def _refuse_foreign_ring(app: Flask) -> None:
    """Fail at the start where it can be known; what may pass is answered with 503."""
    with app.app_context():
        try:
            service.installation.ensure_ready()
        except Unavailable as error:
            app.logger.warning("not ready: %s", error)
        except Misconfigured as error:
            if service.installation.has_ring():
                raise
            app.logger.warning("not ready: %s", error)
