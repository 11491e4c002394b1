"""Who was told what of an incident, as the API tells it."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from alertsvc.core.incidents import Believer
from alertsvc.core.silences import FOREVER
from alertsvc.engine.mute_origins import Origins
from alertsvc.engine.muting import silence_of
from alertsvc.engine.story import Story, difference
from alertsvc.store.bulk import AnyRow
from alertsvc.store.silences import SilenceRecord
from alertsvc.web.coming_views import Next, coming
from alertsvc.web.mute_views import MuteView
from alertsvc.web.today_views import AlertToday, RouteToday
from alertsvc.web.views import AttemptView, DeliveryView, IncidentView, NotificationView


class DigestNote(SQLModel):
    """A window that a notification waits in, or was told in. `state`: open, sent or empty."""

    id: UUID
    name: str
    state: str
    window_start: datetime
    due_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, row: AnyRow) -> "DigestNote":
        """The view of a row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class NotificationNote(SQLModel):
    """A notification in few words."""

    id: UUID
    reason: str
    state: str

    @classmethod
    def of(cls, row: AnyRow) -> "NotificationNote":
        """The view of a row."""
        return cls(id=row.id, reason=row.reason, state=row.state)


class NotificationStory(NotificationView):
    """A notification with what became of it: the mute that kept it back, its digest, its message with every try."""

    mute: MuteView | None
    digest: DigestNote | None
    delivery: DeliveryView | None
    took_its_place: NotificationNote | None

    @classmethod
    def told(cls, row: AnyRow, story: Story) -> "NotificationStory":
        """The story of one notification."""
        window = story.digests.get(row.digest_id)
        instead = story.superseding.get(row.superseded_by)
        return cls(
            **NotificationView.of(row).model_dump(),
            mute=_mute(row, story.origins) if row.muted_by else None,
            digest=DigestNote.of(window) if window is not None else None,
            delivery=_delivery(row.delivery_id, story),
            took_its_place=NotificationNote.of(instead) if instead is not None else None,
        )


def _mute(row: AnyRow, origins: Origins) -> MuteView:
    """What kept a notification back. `until` is known of a silence: when it ends, or did, however long ago."""
    origin = origins.get(row.muted_by)
    until = _silent_until(origin, row.ended_at) if isinstance(origin, SilenceRecord) else None
    return MuteView.named(row.muted_by, row.ended_why or row.why, until, origin)


def _silent_until(record: SilenceRecord, instant: datetime) -> datetime | None:
    """When the stretch of a silence that muted at `instant` ends, as the silence is by now."""
    stretch = silence_of(record).stretch_at(instant)
    until = stretch.ends_at if stretch is not None else record.ends_at
    return until if until < FOREVER else None


def _delivery(delivery_id: UUID | None, story: Story) -> DeliveryView | None:
    row = story.deliveries.get(delivery_id) if delivery_id else None
    if row is None:
        return None
    return DeliveryView.of(row, [AttemptView.of(each) for each in story.attempts.get(row.id, ())])


class Belief(SQLModel):
    """What a destination knows of the incident: `pending` (nothing has reached it yet), `told`, `ended`.

    `told_at`: since when it knows, or may know, that it fires.
    """

    state: str
    route: str
    deliver: str
    severity: str
    told_at: datetime | None
    last_told_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, believer: Believer) -> "Belief":
        """The view of what a destination believes."""
        return cls(
            state=believer.state,
            route=believer.route,
            deliver=believer.deliver,
            severity=believer.severity.word,
            told_at=believer.told_at,
            last_told_at=believer.last_told_at,
            ended_at=believer.ended_at,
        )


class DestinationStory(SQLModel):
    """What one destination was told, and what comes next. `belief` is null for one that was never to be told.

    `kept_back`: the mutes that news waits for. `today`: the route by which it would hear of what fires now, the most
    urgent one, null when none leads here; `differs`: how that is another than what was decided then.
    """

    destination: str
    receiver: str | None
    belief: Belief | None
    notifications: list[NotificationStory]
    kept_back: list[MuteView]
    next: list[Next]
    today: RouteToday | None
    differs: str | None

    @classmethod
    def told(cls, name: str, story: Story) -> "DestinationStory":
        """The story of one destination."""
        believer, taking = story.situation.believers.get(name), story.today_of(name)
        rows = [row for row in story.page.items if row.destination == name]
        known = believer.receiver if believer else taking.route.receiver if taking else None
        return cls(
            destination=name,
            receiver=rows[0].receiver if rows and known is None else known,
            belief=Belief.of(believer) if believer else None,
            notifications=[NotificationStory.told(row, story) for row in rows],
            kept_back=[
                MuteView.named(row.ref, row.said, row.check_at, story.origins.get(row.ref))
                for row in story.kept_back
                if row.destination == name
            ],
            next=list(coming(name, story)),
            today=RouteToday.of(taking, story.origins) if taking else None,
            differs=difference(believer, taking) if story.today else None,
        )


class FlappingView(SQLModel):
    """How many alerts of the incident begin and end too often to be told of, and until when at least."""

    alert_count: int
    until: datetime


class IncidentStory(SQLModel):
    """Who was told of an incident, why or why not, and what comes next.

    Its notifications are given a page at a time, each with its destination, the oldest first; `next_cursor` asks for
    the following ones. `alerts` are the gravest of the `firing_count` that fire, at most 50.
    """

    incident: IncidentView
    now: datetime
    destinations: list[DestinationStory]
    flapping: FlappingView | None
    firing_count: int
    alerts: list[AlertToday]
    next_cursor: str | None = None

    @classmethod
    def told(cls, story: Story, now: datetime, next_cursor: str | None) -> "IncidentStory":
        """The whole story."""
        return cls(
            incident=IncidentView.of(story.incident),
            now=now,
            destinations=[DestinationStory.told(name, story) for name in story.destinations],
            flapping=_flapping(story),
            firing_count=story.incident.firing_count,
            alerts=[AlertToday.of(each, story.origins) for each in story.today],
            next_cursor=next_cursor,
        )


def _flapping(story: Story) -> FlappingView | None:
    found = story.flapping
    return FlappingView(alert_count=found.alert_count, until=found.until) if found else None


class NotificationExplanation(SQLModel):
    """One notification: what became of it, and everything else about its destination and its incident."""

    incident: IncidentView
    now: datetime
    notification: NotificationStory
    destination: DestinationStory = Field(description="Without its notifications.")
    flapping: FlappingView | None

    @classmethod
    def told(cls, row: AnyRow, story: Story, now: datetime) -> "NotificationExplanation":
        """The story of the one notification in the story's page."""
        destination = DestinationStory.told(row.destination, story)
        notification, destination.notifications = destination.notifications[0], []
        return cls(
            incident=IncidentView.of(story.incident),
            now=now,
            notification=notification,
            destination=destination,
            flapping=_flapping(story),
        )
