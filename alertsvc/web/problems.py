"""Every error as an RFC 9457 problem document: a title, what is wrong in words, and a request id to ask about."""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from alertsvc.core.acts import NotPossibleError
from alertsvc.engine.commands import UnknownThingError, VersionMismatchError
from alertsvc.engine.receive import OverloadedError
from alertsvc.engine.silencing import BadSilenceError
from alertsvc.settings.words import did_you_mean
from alertsvc.store.database import StoreUnavailableError
from alertsvc.web.headers import headers_for, identity_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:alertsvc:problem:"

AnyRequest = Request[Any, Any, Any]


class Problem(HTTPException):
    """An error with a stable kind. `errors` are `{pointer, message}` pairs; `extra` joins the document."""

    def __init__(
        self,
        status_code: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, object]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail=detail, status_code=status_code, headers=headers)
        self.kind = kind
        self.errors = errors


def answer(request: AnyRequest, problem: Problem) -> Response[dict[str, object]]:
    """The response that tells of `problem`."""
    document: dict[str, object] = {
        "type": TYPE_PREFIX + problem.kind,
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.detail,
        "request_id": request_id(request),
    }
    if problem.errors:
        document["errors"] = list(problem.errors)
    headers = {**headers_for(request_id(request)), **(problem.headers or {})}  # one that found no door has none else
    return Response(document, status_code=problem.status_code, media_type=MEDIA_TYPE, headers=headers)


def request_id(request: AnyRequest) -> str:
    """The id this request goes by in the log."""
    return identity_of(request.scope)


def from_http(request: AnyRequest, fault: HTTPException) -> Response[dict[str, object]]:
    """The framework's own refusals: no such route, wrong method, a body of the wrong shape."""
    if isinstance(fault, Problem):
        return answer(request, fault)
    if isinstance(fault, ValidationException):
        return answer(request, _invalid(request, fault))
    kind = HTTPStatus(fault.status_code).phrase.lower().replace(" ", "-")
    detail = _in_words(request, fault)
    return answer(request, Problem(fault.status_code, kind, detail, headers=fault.headers))


def _in_words(request: AnyRequest, fault: HTTPException) -> str:
    if fault.status_code == HTTPStatus.NOT_FOUND:
        return f"there is no {request.scope['path'][:200]}; /schema/openapi.json lists what there is"
    if fault.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (fault.headers or {}).get("allow", "").split(", ")
        return f"{request.method} is not possible here; {', '.join(sorted({*allowed} - {'OPTIONS'}))} is"
    if isinstance(fault.__cause__, SerializationException):
        return f"not JSON: {fault.detail[:1].lower()}{fault.detail[1:]}"
    return fault.detail


def _invalid(request: AnyRequest, fault: ValidationException) -> Problem:
    listed = cast(list[dict[str, object]], fault.extra) if isinstance(fault.extra, list) else []
    known = _body_fields(request)
    errors: list[dict[str, str]] = []
    for each in listed:
        key, message, source = str(each.get("key", "")), str(each.get("message", "")), each.get("source")
        if key in {"", "data"} and key not in known:  # so the framework says that there is no body, or no object
            errors.append({"pointer": "", "message": f"a JSON object is needed, with: {', '.join(known)}"})
        else:
            errors.append({"pointer": _pointer(key, source), "message": f"{key}: {_said(key, message, known)}"})
    words = "; ".join(each["message"] for each in errors)
    return Problem(422 if errors else 400, "invalid", words or fault.detail, errors=errors)


def _body_fields(request: AnyRequest) -> list[str]:
    """The fields of the model that the body should have been."""
    body = request.route_handler.parsed_data_field
    models = [] if body is None else [body.annotation, *(each.annotation for each in body.inner_types)]
    return [name for each in models for name in getattr(each, "model_fields", ())]


def _said(key: str, message: str, known: Sequence[str]) -> str:
    """The validator's words in ours."""
    if message == "Field required":
        return "missing"
    if message == "Extra inputs are not permitted":
        hint = did_you_mean(key, known) or f"; there are: {', '.join(known)}"
        return "unknown field" + hint
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _pointer(key: str, source: object) -> str:
    """Where a value of the body stands, as RFC 6901 writes it; a parameter is named as it is."""
    return key if source in {"query", "path", "header", "cookie"} else "/" + key.replace(".", "/")


def from_overload(request: AnyRequest, fault: OverloadedError) -> Response[dict[str, object]]:
    """503, never 429: Alertmanager repeats the first and forgets the second."""
    return answer(request, Problem(503, "overloaded", str(fault), headers={"Retry-After": "1"}))


def from_store(request: AnyRequest, fault: StoreUnavailableError) -> Response[dict[str, object]]:
    """The database is the only memory: without it nothing can be promised."""
    log.warning("the database is unavailable: %s", fault)
    problem = Problem(503, "database-unavailable", "the database is unavailable", headers={"Retry-After": "2"})
    return answer(request, problem)


def from_unknown(request: AnyRequest, fault: UnknownThingError) -> Response[dict[str, object]]:
    """404."""
    return answer(request, Problem(404, "not-found", f"there is no {fault}"))


def from_impossible(request: AnyRequest, fault: NotPossibleError) -> Response[dict[str, object]]:
    """409: it exists, and its state does not allow this."""
    return answer(request, Problem(409, "not-possible", str(fault)))


def from_mismatch(request: AnyRequest, fault: VersionMismatchError) -> Response[dict[str, object]]:
    """412: it changed since it was read."""
    return answer(request, Problem(412, "version-mismatch", f"{fault}; read it again"))


def from_bad_silence(request: AnyRequest, fault: BadSilenceError) -> Response[dict[str, object]]:
    """422, with one entry for each field."""
    errors = [{"pointer": _pointer(flaw.field, "body"), "message": flaw.what} for flaw in fault.flaws]
    return answer(request, Problem(422, "invalid-silence", str(fault), errors=errors))


def from_depth(request: AnyRequest, _fault: RecursionError) -> Response[dict[str, object]]:
    """400: the framework's decoder gave up on a body."""
    return answer(request, Problem(400, "bad-payload", "the JSON is nested too deeply"))


def from_fault(request: AnyRequest, fault: Exception) -> Response[dict[str, object]]:
    """Our own mistake: the log has it, the answer only its id."""
    log.error("request %s failed", request_id(request), exc_info=fault)
    return answer(request, Problem(500, "internal", "this service made a mistake; its log has the request id"))


HANDLERS: MutableMapping[int | type[Exception], Any] = {
    HTTPException: from_http,
    OverloadedError: from_overload,
    StoreUnavailableError: from_store,
    UnknownThingError: from_unknown,
    NotPossibleError: from_impossible,
    VersionMismatchError: from_mismatch,
    BadSilenceError: from_bad_silence,
    RecursionError: from_depth,
    Exception: from_fault,
}


def answer_to(request: AnyRequest, fault: Exception) -> Response[dict[str, object]]:
    """The response that tells of any fault, as the framework would choose it."""
    return next(HANDLERS[kind] for kind in type(fault).__mro__ if kind in HANDLERS)(request, fault)
