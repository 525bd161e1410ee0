"""Whether a credential is good: ``/v1/verify``, ``/v1/verify/batch``, ``/v1/auth``."""

from typing import Any

from flask import request
from flask import Response
from flask.typing import ResponseReturnValue

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.shapes import CORE
from keysvc.api.shapes import GATE
from keysvc.auth.chain import authenticated
from keysvc.auth.chain import judged
from keysvc.auth.questions import question_of
from keysvc.current import gate
from keysvc.current import request_id
from keysvc.current import service
from keysvc.current import this_caller
from keysvc.model import Verdict
from keysvc.schemas.verification import QuestionSchema
from keysvc.schemas.verification import QuestionsSchema
from keysvc.schemas.verification import VerdictSchema
from keysvc.schemas.verification import VerdictsSchema

blp = FamilyBlueprint("keysvc-verification", "/v1/verify", CORE, authenticated)
gate_blp = FamilyBlueprint("keysvc-gate", "/v1/auth", GATE, judged)


@blp.route("", methods=["POST"])
@blp.arguments(QuestionSchema, example=examples.QUESTION)
@blp.response(200, VerdictSchema, example=examples.VERDICT)
def verify(question: dict[str, Any]) -> Verdict:
    """Say whether a credential is good for what is demanded."""
    return service.inquiries.ask(this_caller(), question_of(question))


@blp.route("/batch", methods=["POST"])
@blp.arguments(QuestionsSchema, example=examples.QUESTIONS)
@blp.response(200, VerdictsSchema, example=examples.VERDICTS)
def verify_batch(asked: dict[str, Any]) -> dict[str, list[Verdict]]:
    """Answer up to 100 questions, in order."""
    questions = [
        question_of(question, f"questions.{index}.")
        for index, question in enumerate(asked["questions"])
    ]
    return {"answers": service.inquiries.ask_all(this_caller(), questions)}


@gate_blp.route("", methods=["GET"])
@gate_blp.doc(parameters=[examples.SCOPE_PARAMETER])
@gate_blp.response(204)
def authorize() -> ResponseReturnValue:
    """Let a request that a proxy holds back go on, or not (forward auth)."""
    response = Response.from_app(gate, request.environ)
    # With a name it is finished: the gate has counted it.
    response.headers["X-Request-ID"] = request_id()
    return response
