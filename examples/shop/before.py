"""A shop of teas, with a basket in the session and error pages in its own look."""

from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from flask import abort
from flask import Blueprint
from flask import Flask
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for
from werkzeug.exceptions import Forbidden
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response


class Order(NamedTuple):
    """What somebody has bought."""

    customer: str
    ware: str
    amount: int


#: Cents for a hundred grams.
WARES = {"assam": 390, "gyokuro": 1450, "keemun": 620}
STOCK = {"assam": 40, "gyokuro": 3, "keemun": 0}
ORDERS = {1: Order("ada", "assam", 2), 2: Order("grace", "gyokuro", 1)}

SAID: dict[type[HTTPException], str] = {
    Unauthorized: "Tell us your name first, please.",
    Forbidden: "This is for somebody else.",
    NotFound: "We have no such thing.",
}

shop = Blueprint("shop", __name__)
warehouse = Blueprint("warehouse", __name__, url_prefix="/warehouse")


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Return the shop, with *settings* in its config."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="of this example alone")
    app.config.update(settings or {})
    app.register_error_handler(HTTPException, error_page)
    app.register_blueprint(shop)
    app.register_blueprint(warehouse)
    return app


@shop.get("/")
def wares() -> str:
    """Show what there is."""
    return render_template("wares.html", wares=WARES)


@shop.post("/enter")
def enter() -> Response:
    """Remember a customer, whose name is believed: this is an example."""
    session["customer"] = request.form["name"]
    return redirect(url_for("shop.wares"))


@shop.get("/basket")
def basket() -> str:
    """Show what this customer has chosen."""
    chosen = session.get("basket", {})
    total = sum(WARES[ware] * count for ware, count in chosen.items())
    return render_template("basket.html", chosen=chosen, total=total)


@shop.post("/basket")
def choose() -> Response:
    """Lay one more of a ware into the basket."""
    ware = request.form["ware"]
    if ware not in WARES:
        abort(404)
    chosen = session.get("basket", {})
    session["basket"] = chosen | {ware: chosen.get(ware, 0) + 1}
    return redirect(url_for("shop.basket"))


@shop.get("/orders/<int:number>")
def order(number: int) -> str:
    """Show an order to whoever has made it."""
    if "customer" not in session:
        abort(401)
    if number not in ORDERS:
        abort(404)
    if ORDERS[number].customer != session["customer"]:
        abort(403)
    return render_template("order.html", number=number, order=ORDERS[number])


@shop.get("/api/orders")
def api_orders() -> list[dict[str, Any]]:
    """List all orders, for programs."""
    return [{"number": n, **order._asdict()} for n, order in ORDERS.items()]


@warehouse.get("/")
def stock() -> str:
    """Show what is left."""
    return render_template("stock.html", stock=STOCK)


def error_page(error: HTTPException) -> Response:
    """Show *error* in the look of the shop, with the headers that it has."""
    response = error.get_response()
    text = SAID.get(type(error), error.description)
    response.set_data(render_template("error.html", title=error.name, text=text))
    return response
