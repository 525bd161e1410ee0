"""Tokens that have leaked: ``/v1/leaks``."""

from collections.abc import Sequence

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.shapes import CORE
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import service
from keysvc.model import Leak
from keysvc.schemas.leaks import LeakReportSchema
from keysvc.schemas.leaks import LeaksSchema

blp = FamilyBlueprint("keysvc-leaks", "/v1/leaks", CORE, authenticated)


@blp.route("", methods=["POST"])
@blp.arguments(LeakReportSchema, example=examples.LEAK_REPORT)
@blp.response(200, LeaksSchema, example=examples.LEAKS)
def report_leaks(report: dict[str, Sequence[str]]) -> dict[str, Sequence[Leak]]:
    """End what tokens that have leaked open, and say in order what they were."""
    return {"results": service.leaks.report(caller, report["tokens"])}
