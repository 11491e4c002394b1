"""Silences, as amtool and karma list, make and end them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from pydantic import ValidationError
from sqlalchemy import Connection

from alertsvc.core.silences import SilenceState
from alertsvc.engine import silence_orders
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.service import Service
from alertsvc.engine.silence_pages import SilenceFilter, SilencePage, silence_page
from alertsvc.engine.silencing import Wanted
from alertsvc.ingest.complaint import UNREADABLE, complaint
from alertsvc.store import silences
from alertsvc.store.silences import SilenceRecord
from alertsvc.web.access import Caller, needs
from alertsvc.web.alertmanager_api.filters import parse_matcher_list
from alertsvc.web.alertmanager_api.shapes import Shape, as_listed, gettable_silence, listed_in_json
from alertsvc.web.bodies import read_json_body
from alertsvc.web.problems import Problem
from alertsvc.web.silence_requests import Context, silence_record
from alertsvc.web.silence_views import SilenceRequest

Asked = Request[Caller, Any, Any]

MOST_BYTES = 1024 * 1024
MOST_SILENCES = 10_000
"""So many are listed, the newest."""
ENDED_SHOWN_FOR = timedelta(hours=120)
"""For so long Alertmanager keeps what has ended. Our own API shows it for longer."""


class _Matcher(msgspec.Struct):
    name: str
    value: str
    isRegex: bool  # noqa: N815  # Alertmanager's name
    isEqual: bool | None = None  # noqa: N815


class _Posted(msgspec.Struct):
    matchers: list[_Matcher]
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str
    id: str | None = None
    annotations: dict[str, str] | None = None


_POSTED = msgspec.json.Decoder(_Posted)


@get("/silences", guards=[needs("read")])
async def get_silences(
    service: NamedDependency[Service],
    *,
    filter: FromQuery[list[str] | None] = None,  # noqa: A002  # Alertmanager's name
    active: FromQuery[bool] = True,
    pending: FromQuery[bool] = True,
    expired: FromQuery[bool] = True,
) -> Response[bytes]:
    """Those in force, those to come, and those that ended within five days: the newest 10,000."""
    asked = {SilenceState.ACTIVE: active, SilenceState.PENDING: pending, SilenceState.EXPIRED: expired}
    now = service.clock()
    wanted = SilenceFilter(
        states=frozenset(state for state, is_wanted in asked.items() if is_wanted),
        matchers=parse_matcher_list("filter", filter),
        ended_before=now - ENDED_SHOWN_FOR,
    )
    found = await _listed(service, wanted, now)
    shown = (gettable_silence(record, now) for record in sorted(found, key=lambda record: as_listed(record, now)))
    return Response(b"[" + listed_in_json(shown) + b"]\n", media_type=MediaType.JSON)


async def _listed(service: Service, wanted: SilenceFilter, now: datetime) -> list[SilenceRecord]:
    found: list[SilenceRecord] = []
    after: UUID | None = None
    while len(found) < MOST_SILENCES:

        def read(conn: Connection, after: UUID | None = after) -> SilencePage:
            return silence_page(conn, wanted, now, after, limit=500)

        page = await service.database.snapshot(read)
        found += page.items
        after = page.next_after
        if after is None:
            break
    return found[:MOST_SILENCES]


@post("/silences", status_code=200, guards=[needs("act")], request_max_body_size=None)
async def post_silences(request: Asked, service: NamedDependency[Service]) -> dict[str, str]:
    """Make a silence, or with `id` change one: the answer names the one that is in force then."""
    posted = _read(await read_json_body(request, MOST_BYTES))
    before = await _before(service, posted.id) if posted.id else None
    context = Context(service.clock(), service.new_id(), request.user.name, before)
    record = silence_record(_request(posted), context)
    changes = before.id if before else None
    made = await silence_orders.make(
        service, Wanted(record, changes, service.tuning.longest_silence, request.user.name)
    )
    return {"silenceID": str(made.id)}


def _read(body: bytes) -> _Posted:
    try:
        return _POSTED.decode(body)
    except UNREADABLE as fault:
        raise Problem(400, "bad-payload", f"not a silence: {complaint(fault)}") from None


async def _before(service: Service, name: str) -> SilenceRecord:
    """The silence that is to be changed.

    Raises:
        UnknownThingError: There is none.
        Problem: 400, it comes again and again, which what is posted here would end unsaid.
    """
    silence_id = _id(name)
    found = await service.database.snapshot(lambda conn: silences.by_id(conn, silence_id))
    if found is None:
        raise UnknownThingError(f"silence {name}")
    if found.schedule is not None:
        fix = f"change it by PUT /api/v1/silences/{found.id}, or expire it"
        raise Problem(400, "recurring", f"silence {found.id} comes again by the schedule {found.schedule!r}: {fix}")
    return found


def _id(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise UnknownThingError(f"silence {name[:80]!r}") from None


def _request(posted: _Posted) -> SilenceRequest:
    asked = {
        "matchers": [msgspec.to_builtins(each) for each in posted.matchers],
        "starts_at": posted.startsAt,
        "ends_at": posted.endsAt,
        "comment": posted.comment,
        "created_by": posted.createdBy or None,
        "annotations": posted.annotations or {},
    }
    try:
        return SilenceRequest.model_validate(asked)
    except ValidationError as fault:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in fault.errors())
        raise Problem(400, "invalid-silence", said) from None


@get("/silence/{silence_id:str}", guards=[needs("read")])
async def get_silence(silence_id: FromPath[str], service: NamedDependency[Service]) -> Shape:
    """One silence. 404: there is none."""
    known = _id(silence_id)
    found = await service.database.snapshot(lambda conn: silences.by_id(conn, known))
    if found is None:
        raise UnknownThingError(f"silence {silence_id}")
    return gettable_silence(found, service.clock())


@delete("/silence/{silence_id:str}", status_code=200, guards=[needs("act")])
async def delete_silence(
    silence_id: FromPath[str], request: Asked, service: NamedDependency[Service]
) -> Response[bytes]:
    """End it now; again: nothing changes. 404: there is none."""
    await silence_orders.expire(service, _id(silence_id), request.user.name)
    return Response(b"", status_code=200, media_type=MediaType.JSON)


HANDLERS = [get_silences, post_silences, get_silence, delete_silence]
