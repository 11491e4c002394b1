"""Incidents, as people work on them: what is asked, and what is answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from alertsvc.client.answers import document_of
from alertsvc.client.errors import ApiError, BadValueError
from alertsvc.client.exchange import Budget, Repeat, Request, Work, exchange
from alertsvc.client.plain import encoded, instant, word
from alertsvc.client.settings import Settings

PATH = "/api/v1/incidents"
PAGE = 100
MOST_LISTED = 1000

Reference = int | str
"""An incident's number (412 or "INC-412") or its id."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident. `number` is what people call it by, `version` changes with it; `raw` is all that was answered."""

    id: str
    number: int
    title: str
    summary: str
    status: str
    severity: str
    labels: Mapping[str, str]
    firing_count: int
    alert_count: int
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    version: int
    raw: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict[str, Any])

    @property
    def is_open(self) -> bool:
        """Whether people still have to do with it."""
        return self.status != "resolved"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of incidents, and the cursor of the next one."""

    items: tuple[Incident, ...]
    next_cursor: str | None


_INSTANTS = ("opened_at", "updated_at", "acknowledged_at", "resolved_at")
_NAMES = tuple(name for name in Incident.__dataclass_fields__ if name != "raw")


def incident_of(document: Mapping[str, Any]) -> Incident:
    """The incident of an answer.

    Raises:
        ApiError: It is none.
    """
    try:
        values = {name: document[name] for name in _NAMES}
        for name in _INSTANTS:
            values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    except (KeyError, TypeError, ValueError) as fault:
        raise ApiError(f"answered with no incident as this client knows it: {fault!r}", status=200) from None
    return Incident(**values, raw=document)


def list_page(settings: Settings, filters: Mapping[str, object], limit: int, cursor: str | None) -> Work[Page]:
    """A page of the incidents that fit, the newest first.

    Raises:
        AlertsvcError: There is none; the error says why.
    """
    params = [("limit", str(limit)), *(() if cursor is None else [("cursor", cursor)])]
    for name, value in filters.items():
        params += [(name, text) for text in _texts(name, value)]
    answer = yield from exchange(settings, Request("GET", PATH, params=tuple(params)), Budget(settings))
    document = document_of(answer)
    listed = document.get("items")
    if not isinstance(listed, list):
        raise ApiError("answered with no list of incidents: is the address right?", status=answer.status)
    found = tuple(incident_of(each) for each in cast(list[dict[str, Any]], listed))
    return Page(found, cast(str | None, document.get("next_cursor")))


def _texts(name: str, value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, datetime):
        return [str(instant(name, value))]
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [word(name, each) for each in cast(Iterable[object], value)]
    return [word(name, value)]


def show(settings: Settings, reference: Reference) -> Work[Incident]:
    """One incident.

    Raises:
        AlertsvcError: There is none; the error says why.
    """
    answer = yield from exchange(settings, Request("GET", _path(reference)), Budget(settings))
    return incident_of(document_of(answer))


def act(settings: Settings, reference: Reference, verb: str, by: str | None, comment: str) -> Work[Incident]:
    """Do something to an incident; done again it changes nothing, but for a comment.

    Raises:
        AlertsvcError: It cannot be done, or nobody knows whether it was; the error says why.
    """
    body = encoded({name: value for name, value in (("by", by), ("comment", comment)) if value})
    repeat = Repeat.IF_NOT_DONE if verb == "comments" else Repeat.ALWAYS
    request = Request("POST", f"{_path(reference)}/{verb}", body, repeat=repeat)
    answer = yield from exchange(settings, request, Budget(settings))
    return incident_of(document_of(answer))


def _path(reference: Reference) -> str:
    text = str(reference).strip().removeprefix("#").removeprefix("INC-")
    if not text:
        raise BadValueError("incident", "its number or its id is needed")
    return f"{PATH}/{quote(text, safe='')}"
