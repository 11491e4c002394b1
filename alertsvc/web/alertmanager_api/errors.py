"""Errors as Alertmanager says them: one JSON string. amtool shows it; a problem document it could not read."""

from collections.abc import Callable, MutableMapping
from typing import Any

import msgspec
from litestar import Request, Response

from alertsvc.engine.silencing import BadSilenceError
from alertsvc.web import problems

AnyRequest = Request[Any, Any, Any]
Answer = Callable[[AnyRequest, Any], Response[Any]]


def _as_text(told: Answer) -> Answer:
    """What `told` answers, with the sentence of the problem document in place of it."""

    def answered(request: AnyRequest, fault: Any) -> Response[Any]:
        response = told(request, fault)
        document: dict[str, Any] = response.content
        return Response(
            msgspec.json.encode(str(document["detail"])),  # a str would go out without its quotes
            status_code=int(document["status"]),
            headers=dict(response.headers),
            media_type="application/json",
        )

    return answered


def _from_bad_silence(request: AnyRequest, fault: BadSilenceError) -> Response[Any]:
    return problems.answer(request, problems.Problem(400, "invalid-silence", str(fault)))


HANDLERS: MutableMapping[int | type[Exception], Any] = {
    **{kind: _as_text(told) for kind, told in problems.HANDLERS.items()},
    BadSilenceError: _as_text(_from_bad_silence),
}
