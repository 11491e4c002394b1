"""What a client sends: work that ends with a `Result` also where it failed.

Only a client that cannot be used as it was made ends it with an error (`ConfigurationError`).
"""

from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from alertsvc.client.answers import Item, Result, all_items_of, document_of, items_of, items_refused
from alertsvc.client.compose import Encoded, bodies, encoded_event, span
from alertsvc.client.errors import AlertsvcError, ApiError, BadValueError, RefusedError
from alertsvc.client.exchange import Budget, Request, Work, exchange
from alertsvc.client.plain import JSON, as_written, encoded, instant, plain, texts, word, written
from alertsvc.client.settings import Settings

EVENTS = "/api/v1/events"
DEPLOYMENTS = "/api/v1/deployments"
HOOKS = "/api/v1/hooks/"


def send_events(settings: Settings, events: Iterable[Mapping[str, object]]) -> Work[Result]:
    """Send events. One that cannot be sent is refused here and keeps none of the others back."""
    items: list[Item] = []
    ready: list[Encoded] = []
    error: AlertsvcError | None = None
    try:
        for place, fields in enumerate(events):
            try:
                ready.append(encoded_event(place, fields, settings.defaults))
            except BadValueError as fault:
                items.append(Item(place, "rejected", error=str(fault), pointer=_pointer(place, fault.field)))
            except Exception as fault:  # noqa: BLE001  # somebody's number failed as it was read: its device is gone, say
                said = f"cannot be read: {type(fault).__name__}"
                items.append(Item(place, "rejected", error=said, pointer=_pointer(place, "")))
    except Exception as fault:  # noqa: BLE001  # whoever makes them failed: what came until then is sent
        error = BadValueError("events", f"a list of events is needed: {type(fault).__name__}: {fault}")
    budget = Budget(settings)  # it begins when all events are there, however long they took
    attempts = 0
    for body, places in bodies(ready):
        try:
            answer = yield from exchange(settings, Request("POST", EVENTS, body), budget)
            attempts += answer.attempts
            items += all_items_of(answer, places)
        except ApiError as fault:  # its attempts were counted: it was an answer
            error = error or fault
            items += items_refused(fault, places)
        except AlertsvcError as fault:
            attempts += fault.attempts
            error = error or fault
            break  # who did not answer now will not for the rest
    items.sort(key=lambda item: item.index)
    return _result(items, error, attempts)


def _pointer(place: int, field: str) -> str:
    return f"/{place}/{field.replace('.', '/')}" if field else f"/{place}"


def _result(items: list[Item], error: AlertsvcError | None, attempts: int) -> Result:
    refused = [item for item in items if not item.is_taken]
    if error is None and refused:
        more = f" (and {len(refused) - 1} more of {len(items)})" if len(refused) > 1 else ""
        said = f"{refused[0].error or refused[0].state}{more}"
        error = RefusedError(said, status=422 if attempts else 0, kind="invalid-event", attempts=attempts)
    return Result(error is None, tuple(items), error, attempts)


def send_deployment(
    settings: Settings, model: str | None, version: object, fields: Mapping[str, object]
) -> Work[Result]:
    """Tell which version of a model runs from now on, or since `happened_at`. Sent again it has the same key."""
    own = settings.defaults
    given = {"model": model or own.model, "environment": own.environment, **_given(fields)}
    given = {name: value for name, value in given.items() if value is not None}
    try:
        sent = {name: _DEPLOYED.get(name, plain)(name, value) for name, value in given.items()}
        body = encoded({**sent, "model_version": word("version", version)})
    except BadValueError as fault:
        return Result(False, error=fault)
    return (yield from _send_one(settings, DEPLOYMENTS, body, {}, "id"))


_DEPLOYED: Mapping[str, Callable[[str, object], JSON]] = {"happened_at": instant, "details": texts}


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def send_report(settings: Settings, tool: str, report: object, context: Mapping[str, object]) -> Work[Result]:
    """Send what a tool wrote, as it wrote it. `context` is what its report lacks: the model, the dataset, …"""
    known = {"model": settings.defaults.model, "environment": settings.defaults.environment, **_given(context)}
    try:
        path = HOOKS + word("tool", tool)
        params = {name: word(name, span(name, value)) for name, value in known.items() if value is not None}
        body = _text_of(report)
    except BadValueError as fault:
        return Result(False, error=fault)
    return (yield from _send_one(settings, path, body, params, "items"))


def _text_of(report: object) -> bytes:
    if isinstance(report, str):
        return report.encode("utf-8", "surrogatepass")
    if isinstance(report, bytes | bytearray):
        return bytes(report)
    return written(plain("report", report, number=as_written))


def _send_one(settings: Settings, path: str, body: bytes, params: Mapping[str, str], knows: str) -> Work[Result]:
    headers = {"Idempotency-Key": uuid4().hex}
    request = Request("POST", path, body, tuple(params.items()), headers)
    try:
        answer = yield from exchange(settings, request, Budget(settings))
        document = document_of(answer, knows)
    except AlertsvcError as fault:
        return Result(False, error=fault, attempts=fault.attempts)
    return _result(items_of(document, None), None, answer.attempts)
