"""Bodies as servers hand them over: in one piece, in many, too short, or not at all."""

from io import BytesIO
from typing import Any

import pytest
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder

from keysvc.api.bodies import MAX_BODY
from keysvc.api.bodies import read_body
from keysvc.errors import Malformed


class Dribble(BytesIO):
    """A server's input that never gives more than three bytes at once."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(3 if size is None or size < 0 else min(size, 3))


class Untouchable(BytesIO):
    """A server's input that waits for ever, where a client sends nothing."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("it was read")


def request_with(body: BytesIO, **environ: Any) -> Request:
    built = EnvironBuilder("/", method="POST").get_environ()
    return Request(built | {"wsgi.input": body} | environ)


@pytest.mark.parametrize("source", [BytesIO, Dribble])
@pytest.mark.parametrize("terminated", [{}, {"wsgi.input_terminated": True}])
def test_a_body_is_read_whole_and_left_for_the_next(
    source: type[BytesIO], terminated: dict[str, Any]
) -> None:
    body = b'{"token": "t"}'
    request = request_with(source(body + b"GET /"), CONTENT_LENGTH="14", **terminated)
    assert read_body(request) == body
    assert request.get_data() == body
    assert read_body(request) == body


def test_what_a_host_has_read_is_there_too() -> None:
    request = request_with(BytesIO(b"body"), CONTENT_LENGTH="4")
    assert request.get_data() == b"body"
    assert read_body(request) == b"body"


def test_chunks_are_read_to_their_end() -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert read_body(request_with(Dribble(b"0123456789"), **chunked)) == b"0123456789"
    with pytest.raises(RequestEntityTooLarge):
        read_body(request_with(BytesIO(bytes(MAX_BODY + 2)), **chunked))


def test_http_2_tells_no_length() -> None:
    told = {"SERVER_PROTOCOL": "HTTP/2", "wsgi.input_terminated": True}
    assert read_body(request_with(BytesIO(b"body"), **told)) == b"body"


@pytest.mark.parametrize("length", [{}, {"CONTENT_LENGTH": ""}])
def test_nothing_is_waited_for_where_nothing_is_sent(length: dict[str, str]) -> None:
    assert read_body(request_with(Untouchable(), **length)) == b""


def test_too_short_is_not_whole() -> None:
    with pytest.raises(Malformed):
        read_body(request_with(BytesIO(b"abc"), CONTENT_LENGTH="4"))


def test_too_long_is_not_even_read() -> None:
    with pytest.raises(RequestEntityTooLarge):
        read_body(request_with(Untouchable(), CONTENT_LENGTH=str(MAX_BODY + 1)))
