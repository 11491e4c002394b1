"""What the service answers, as values."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from alertsvc.client.errors import AlertsvcError, ApiError, FieldError, class_for
from alertsvc.client.exchange import Answer


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one event.

    `state` is firing, resolved, ok, recorded, error, or rejected: then `error` says why, and `pointer` where. The other
    words are the service's own. `incident` is the number people call it by.
    """

    index: int
    state: str
    event_id: str | None = None
    dedup_key: str | None = None
    fingerprint: str | None = None
    duplicate: bool = False
    severity: str | None = None
    decided_by: str | None = None
    incident: int | None = None
    error: str | None = None
    pointer: str | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the service has it, and could use it."""
        return self.state not in {"rejected", "error"}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call that sends something. True when all of it was taken.

    `items` are of the events that were answered or refused, in their order; `attempts` is how many requests were sent.
    """

    ok: bool
    items: tuple[Item, ...] = ()
    error: AlertsvcError | None = None
    attempts: int = 0

    def __bool__(self) -> bool:
        return self.ok

    @property
    def item(self) -> Item | None:
        """The first item: the only one, where one event was sent."""
        return self.items[0] if self.items else None


def document_of(answer: Answer, knows: str | None = None) -> dict[str, Any]:
    """The JSON object of an answer that is a yes. It `knows` what no other service's has: this name.

    Raises:
        ApiError: It is a no, or no answer of this service.
    """
    if not 200 <= answer.status < 300:
        raise refusal(answer)
    found = _json(answer)
    if found is None or (knows is not None and knows not in found):
        raise _of_another(answer)
    return found


def _of_another(answer: Answer) -> ApiError:
    return ApiError(
        f"answered {answer.status}, and not as alertsvc does: is the address right?",
        status=answer.status,
        attempts=answer.attempts,
    )


def all_items_of(answer: Answer, places: list[int]) -> list[Item]:
    """What became of each event of a request, as `items_of`: who says yes and names them not has not taken them.

    Raises:
        ApiError: As `document_of`.
    """
    items = items_of(document_of(answer, "items"), places)
    if {each.index for each in items} != set(places):
        raise _of_another(answer)
    return items


def refusal(answer: Answer) -> ApiError:
    """The error that a problem document stands for, or what a stranger answered in its place."""
    known = _json(answer) or {}
    detail = str(known.get("detail") or _stranger(answer))
    errors = [
        FieldError(str(each.get("pointer", "")), str(each.get("message", "")))
        for each in _mappings(known.get("errors"))
    ]
    return class_for(answer.status)(
        f"{answer.status}: {detail}",
        status=answer.status,
        kind=str(known.get("type", "")).removeprefix("urn:alertsvc:problem:"),
        request_id=str(known["request_id"]) if "request_id" in known else answer.headers.get("x-request-id"),
        errors=errors,
        attempts=answer.attempts,
    )


def _stranger(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return f"redirects to {answer.headers.get('location', 'nowhere')[:200]}; give that address itself"
    return "no reason was given"


def _json(answer: Answer) -> dict[str, Any] | None:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


_KNOWN = tuple(each.name for each in fields(Item))


def items_of(document: Mapping[str, Any], places: list[int] | None) -> list[Item]:
    """The items of an answer. `places` are the positions, in the call, of the events of the request; None: the same."""
    found: list[Item] = []
    for each in _mappings(document.get("items")):
        given = {name: each[name] for name in _KNOWN if name in each}
        incident = each.get("incident")
        given["incident"] = cast(dict[str, Any], incident).get("number") if isinstance(incident, dict) else None
        given["index"] = _place(each.get("index"), places)
        given["state"] = str(each.get("state", "unknown"))
        found.append(Item(**given))
    return found


def items_refused(fault: ApiError, places: list[int]) -> list[Item]:
    """The items of an answer that refused every event of a request; it names the flaws of a hundred at most."""
    found: dict[int, Item] = {}
    for each in fault.errors:
        number, _, _ = each.pointer.removeprefix("/").partition("/")
        if number.isascii() and number.isdigit() and int(number) < len(places):
            place = places[int(number)]
            found[place] = Item(place, "rejected", error=each.message, pointer=each.pointer)
    rest = places if fault.kind == "invalid-event" else []
    return [*found.values(), *(Item(place, "rejected", error=str(fault)) for place in rest if place not in found)]


def _place(index: object, places: list[int] | None) -> int:
    if places is None:
        return index if isinstance(index, int) else -1
    return places[index] if isinstance(index, int) and 0 <= index < len(places) else -1


def _mappings(listed: object) -> Iterable[dict[str, Any]]:
    for each in cast(list[Any], listed if isinstance(listed, list) else []):
        if isinstance(each, dict):
            yield cast(dict[str, Any], each)
