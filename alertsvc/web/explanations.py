"""Why somebody was told, or was not: of an alert that may come, of an incident, of one notification."""

from functools import partial
from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import Connection

from alertsvc.core.model import AlertState, Severity
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.expectation import Question, expect
from alertsvc.engine.service import Service
from alertsvc.engine.story import Story, story
from alertsvc.store import reading
from alertsvc.store.bulk import AnyRow
from alertsvc.store.reading import Page
from alertsvc.web import asking
from alertsvc.web.access import needs
from alertsvc.web.explanation_requests import ExplainRequest
from alertsvc.web.explanation_views import ExplanationView
from alertsvc.web.story_views import IncidentStory, NotificationExplanation


@post("/explain", status_code=200, guards=[needs("read")])
async def explain_alert(data: JSONBody[ExplainRequest], service: NamedDependency[Service]) -> ExplanationView:
    """Where an alert with these labels would go, when, and what would keep it back. Nothing is stored or sent.

    Silences and time intervals are judged at the instant `at`; what inhibits and what is known of incidents as of now.
    """
    moment = service.moment()
    at = asking.within_reach("at", data.at) or moment.now
    severity = Severity[data.severity.upper()] if data.severity else None
    question = Question(data.labels, at, severity, AlertState(data.status))
    found = await service.database.snapshot(partial(expect, question, moment))
    return ExplanationView.about(found, moment.rules, data, moment.now)


@get("/incidents/{reference:str}/explain", guards=[needs("read")])
async def explain_incident(
    reference: FromPath[str],
    service: NamedDependency[Service],
    limit: FromQuery[int] = 200,
    cursor: FromQuery[str | None] = None,
) -> IncidentStory:
    """Who was told what of it and when, what kept the rest back, what comes next, and what routing says today."""
    key = await asking.incident_id(service, reference)
    after, most, moment = asking.after_cursor(cursor), asking.limit_of(limit), service.moment()

    def read(conn: Connection) -> Story | None:
        page = reading.rows_of_incident(conn, reading.NOTIFICATIONS, key, after, most)
        return story(conn, key, page, moment)

    found = await service.database.snapshot(read)
    if found is None:
        raise UnknownThingError(f"incident {reference!r}")
    return IncidentStory.told(found, moment.now, asking.cursor_of(found.page.next_after))


@get("/notifications/{notification_id:uuid}/explain", guards=[needs("read")])
async def explain_notification(
    notification_id: FromPath[UUID], service: NamedDependency[Service]
) -> NotificationExplanation:
    """What became of one notification, and why."""
    moment = service.moment()

    def read(conn: Connection) -> tuple[AnyRow, Story] | None:
        for row in reading.notifications_by_ids(conn, [notification_id]):
            found = story(conn, row.incident_id, Page([row]), moment)
            return None if found is None else (row, found)
        return None

    found = await service.database.snapshot(read)
    if found is None:
        raise UnknownThingError(f"notification {notification_id}")
    return NotificationExplanation.told(*found, moment.now)


ROUTER = Router(
    "/api/v1", route_handlers=[explain_alert, explain_incident, explain_notification], tags=["explanations"]
)
