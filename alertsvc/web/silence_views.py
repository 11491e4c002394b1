"""Silences as people write and read them."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import PlainValidator, field_validator
from sqlmodel import Field, SQLModel

from alertsvc.core.durations import write_duration
from alertsvc.core.incidents import Incident
from alertsvc.core.model import Severity
from alertsvc.core.route import Op
from alertsvc.core.silences import FOREVER
from alertsvc.engine.muting import silence_of
from alertsvc.engine.silence_orders import Foreseen, Shown
from alertsvc.ingest.clean import has_controls
from alertsvc.settings.durations import Interval
from alertsvc.settings.words import TimeZone
from alertsvc.store.silences import SilenceRecord
from alertsvc.web.views import Command

MOST_MATCHERS = 64
MOST_ANNOTATIONS = 64


class MatcherRequest(Command):
    """A condition, with `op` or with Alertmanager's two flags; `=` without either."""

    name: str = Field(min_length=1, max_length=256)
    value: str = Field(max_length=4096)
    op: Op | None = None
    isRegex: bool | None = None  # noqa: N815  # Alertmanager's name
    isEqual: bool | None = None  # noqa: N815

    @field_validator("value")
    @classmethod
    def _is_storable(cls, text: str) -> str:
        if has_controls(text):
            raise ValueError("has a control character")
        return text


def _either(value: object) -> str | MatcherRequest:
    """By hand, as a union of pydantic's puts words of its own into the place of a mistake."""
    return value if isinstance(value, str) else MatcherRequest.model_validate(value)


AnyMatcher = Annotated[str | MatcherRequest, PlainValidator(_either, json_schema_input_type=str | MatcherRequest)]
"""`severity="critical"`, or the same as an object."""


class SilenceRequest(Command):
    """A silence that somebody wants, from `starts_at` (default: now) until `ends_at` or for `duration`.

    With a cron `schedule` it mutes for `duration` at each of its times, until `ends_at` if that is given.
    """

    matchers: list[AnyMatcher] = Field(min_length=1, max_length=MOST_MATCHERS)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    duration: Interval | None = None
    schedule: str | None = Field(default=None, max_length=200)
    timezone: TimeZone | None = None
    comment: str = Field(default="", max_length=4000)
    created_by: str | None = Field(default=None, min_length=1, max_length=200)
    annotations: dict[str, str] = Field(default_factory=dict)

    @field_validator("created_by", "schedule")
    @classmethod
    def _is_plain(cls, text: str | None) -> str | None:
        if text is not None and has_controls(text):
            raise ValueError("has a control character")
        return text

    @field_validator("annotations")
    @classmethod
    def _are_short(cls, found: dict[str, str]) -> dict[str, str]:
        if len(found) > MOST_ANNOTATIONS:
            raise ValueError(f"at most {MOST_ANNOTATIONS} are taken")
        for name, value in found.items():
            if not name or len(name) > 256 or len(value) > 4000:
                raise ValueError("a name has 1 to 256 characters, a text at most 4000")
            if has_controls(name) or has_controls(value):
                raise ValueError("has a control character")
        return found


class ExtendRequest(Command):
    """By how much a silence is to end later. `by` names the person behind a shared token."""

    duration: Interval
    by: str | None = Field(default=None, min_length=1, max_length=200)


class ExpireRequest(Command):
    """Who wants it to end, if not the token."""

    by: str | None = Field(default=None, min_length=1, max_length=200)


class SilenceView(SQLModel):
    """A silence. `state` is pending, active or expired; a recurring one is pending between its stretches.

    `ends_at` is null for one without an end; `mutes_until` is when the present stretch ends, `mutes_next_at` when the
    next begins. `report` says what the latest stretch that ended had hidden.
    """

    id: UUID
    state: str
    matchers: list[str]
    starts_at: datetime
    ends_at: datetime | None
    schedule: str | None
    timezone: str | None
    duration: str | None
    mutes_until: datetime | None
    mutes_next_at: datetime | None
    comment: str
    created_by: str
    annotations: dict[str, str]
    created_at: datetime
    updated_at: datetime
    report: dict[str, Any] | None

    @classmethod
    def of(cls, record: SilenceRecord, now: datetime) -> "SilenceView":
        """The view of a silence at `now`."""
        return cls(**_fields(record, now))


def _fields(record: SilenceRecord, now: datetime) -> dict[str, Any]:
    silence = silence_of(record)
    stretch, following = silence.stretch_at(now), silence.next_stretch(now)
    lasts = record.duration_seconds
    return {
        "id": record.id,
        "state": silence.state(now),
        "matchers": [str(matcher) for matcher in silence.matchers],
        "starts_at": record.starts_at,
        "ends_at": record.ends_at if record.ends_at < FOREVER else None,
        "schedule": record.schedule,
        "timezone": record.timezone if record.schedule else None,
        "duration": None if lasts is None else write_duration(timedelta(seconds=lasts)),
        "mutes_until": stretch.ends_at if stretch else None,
        "mutes_next_at": following.starts_at if following else None,
        "comment": record.comment,
        "created_by": record.created_by,
        "annotations": dict(record.annotations),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "report": None if record.report is None else dict(record.report),
    }


class SilencePageView(SQLModel):
    """A page of silences, the newest first; `next_cursor` asks for the following one."""

    items: list[SilenceView]
    next_cursor: str | None = None


class IncidentNote(SQLModel):
    """An incident in few words."""

    id: UUID
    number: int
    title: str
    status: str
    severity: str

    @classmethod
    def of(cls, incident: Incident) -> "IncidentNote":
        """The note of an incident."""
        return cls(
            id=incident.id,
            number=incident.number,
            title=incident.title,
            status=incident.status,
            severity=incident.severity.word,
        )


class ShownSilence(SilenceView):
    """A silence with what its latest stretch has kept back so far: how many notifications, about which incidents."""

    suppressed_count: int
    hidden_incidents: list[IncidentNote]

    @classmethod
    def about(cls, shown: Shown, now: datetime) -> "ShownSilence":
        """The view of a silence and what it hid."""
        return cls(
            **_fields(shown.record, now),
            suppressed_count=shown.hidden.notification_count,
            hidden_incidents=[IncidentNote.of(each) for each in shown.incidents],
        )


class ReachView(SQLModel):
    """What a silence would hide if it were in force now: firing alerts, and the first of the incidents they are in."""

    alert_count: int
    incident_count: int
    hides_critical: bool
    highest_severity: str | None
    incidents: list[IncidentNote]

    @classmethod
    def of(cls, foreseen: Foreseen) -> "ReachView":
        """The view of what was foreseen."""
        reach = foreseen.reach
        return cls(
            alert_count=reach.alert_count,
            incident_count=reach.incident_count,
            hides_critical=reach.highest is Severity.CRITICAL,
            highest_severity=reach.highest.word if reach.highest else None,
            incidents=[IncidentNote.of(each) for each in foreseen.incidents],
        )
