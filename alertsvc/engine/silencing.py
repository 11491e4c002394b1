"""What people ask of silences, and what the clock does to them: they begin, they end, and both is noticed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.acts import NotPossibleError
from alertsvc.core.effects import HeldBack
from alertsvc.core.model import Deliver, Severity
from alertsvc.core.mutes import mute_by_silence, silence_ref
from alertsvc.core.rules import Moment
from alertsvc.core.severity import with_severity
from alertsvc.core.silences import FOREVER, Flaw, Silence, Stretch, flaws_of, may_keep_its_name
from alertsvc.core.subscribers import subscribers
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.muting import as_seen_at, not_before, silence_of
from alertsvc.store import alerts, incidents, mutes, silences
from alertsvc.store.silences import SilenceRecord

SHOWN_INCIDENTS = 100
CHANGED_BY = "changed_by"
"""The annotation that says who changed a silence last. `created_by` says who made it."""


class BadSilenceError(ValueError):
    """A silence that cannot be made. `flaws` name the fields."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__("; ".join(f"{flaw.field}: {flaw.what}" for flaw in flaws))
        self.flaws = tuple(flaws)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A silence as somebody asks for it: the record it would be; `changes` is the one to change, if any."""

    record: SilenceRecord
    changes: UUID | None = None
    longest: timedelta | None = None
    by: str = ""


def make(wanted: Wanted, moment: Moment, conn: Connection) -> SilenceRecord:
    """Make a silence, or change one. A change that would make it another one ends it, and begins the other.

    Raises:
        UnknownThingError: The one to change does not exist.
        BadSilenceError: It cannot be made.
    """
    before = None if wanted.changes is None else silences.held(conn, wanted.changes)
    if wanted.changes is not None and before is None:
        raise UnknownThingError(f"silence {wanted.changes}")
    now = moment.now if before is None else not_before(before, moment.now)
    record = replace(wanted.record, starts_at=max(wanted.record.starts_at, now), updated_at=now)
    if before is not None and before.starts_at <= now and _same_second(before.starts_at, wanted.record.starts_at):
        record = replace(record, starts_at=before.starts_at)
    check(record, now, wanted.longest)
    if before is None:
        silences.save(conn, record)
        return record
    record = _signed(record, wanted.by)
    if may_keep_its_name(silence_of(before), silence_of(replace(record, id=before.id)), now):
        changed = replace(
            record,
            id=before.id,
            created_at=before.created_at,
            spread_for=before.spread_for,
            reported_for=before.reported_for,
            report=before.report,
        )
        silences.change(conn, changed)
        mutes.announce_end(conn, [silence_ref(silence_of(changed))], now)
        return changed
    _expire(conn, _signed(before, wanted.by), now)
    silences.save(conn, record)
    return record


def extend(
    silence_id: UUID, by_span: timedelta, longest: timedelta | None, moment: Moment, conn: Connection, *, by: str = ""
) -> SilenceRecord:
    """Let a silence end later; of one that comes again, it is the last time that moves.

    Raises:
        UnknownThingError: There is none.
        NotPossibleError: It has ended, or has no end.
        BadSilenceError: It would last too long.
    """
    before = silences.held(conn, silence_id)
    if before is None:
        raise UnknownThingError(f"silence {silence_id}")
    now = not_before(before, moment.now)
    if before.ends_at <= now:
        raise NotPossibleError("it has ended; make another one")
    if before.ends_at >= FOREVER:
        raise NotPossibleError("it has no end")
    ends_at = before.ends_at + min(by_span, FOREVER - before.ends_at)
    after = replace(_signed(before, by), ends_at=ends_at, updated_at=now)
    check(after, now, longest)
    silences.change(conn, after)
    mutes.announce_end(conn, [silence_ref(silence_of(after))], now)
    return after


def expire(silence_id: UUID, moment: Moment, conn: Connection, *, by: str = "") -> SilenceRecord:
    """End a silence now; one that has ended stays as it is.

    Raises:
        UnknownThingError: There is none.
    """
    before = silences.held(conn, silence_id)
    if before is None:
        raise UnknownThingError(f"silence {silence_id}")
    now = not_before(before, moment.now)
    return _expire(conn, _signed(before, by), now) if before.ends_at > now else before


def _signed(record: SilenceRecord, by: str) -> SilenceRecord:
    """`record` with the name of who changed it."""
    if not by:
        return record
    return replace(record, annotations=tuple(sorted({**dict(record.annotations), CHANGED_BY: by}.items())))


def _expire(conn: Connection, before: SilenceRecord, now: datetime) -> SilenceRecord:
    if before.ends_at <= now:
        return before
    after = replace(before, starts_at=min(before.starts_at, now), ends_at=now, updated_at=now)
    silences.change(conn, after)
    mutes.announce_end(conn, [silence_ref(silence_of(after))], now)
    return after


def check(record: SilenceRecord, now: datetime, longest: timedelta | None) -> None:
    """Nothing, if `record` can be made at `now`.

    Raises:
        BadSilenceError: It cannot.
    """
    flaws = flaws_of(silence_of(record), now, longest)
    if flaws:
        raise BadSilenceError(flaws)


def _same_second(one: datetime, other: datetime) -> bool:
    return one.replace(microsecond=0) == other.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a silence is about right now: firing alerts, and the incidents they are in (some of them, and how many).

    `highest` is the severity of the gravest of these alerts, None without any.
    """

    alert_count: int
    incident_ids: tuple[UUID, ...]
    incident_count: int
    highest: Severity | None = None


def reach_of(record: SilenceRecord, conn: Connection) -> Reach:
    """What `record` would mute if it were in force now. Nothing is changed."""
    silence = silence_of(record)
    count, highest, found = 0, None, dict[UUID, None]()
    for page in alerts.firing_pages(conn):
        for each in page:
            if silence.fits(with_severity(each.labels, each.severity, each.source)):
                count += 1
                highest = max(highest or each.severity, each.severity)
                if each.incident_id is not None:
                    found[each.incident_id] = None
    return Reach(count, tuple(found)[:SHOWN_INCIDENTS], len(found), highest)


# What the clock does


def restless(conn: Connection, now: datetime) -> list[UUID]:
    """The silences that have begun or ended without anybody having noticed."""
    found = silences.unfinished(conn, now)
    return [record.id for record in found if _has_begun(record, now) or _has_ended(record, now)]


def tend(silence_id: UUID, moment: Moment, conn: Connection) -> int:
    """Notice that a silence has begun, or has ended.

    When it begins, whoever was told of what it is about is marked: they hear of it when it ends. When it ends, what it
    hid is counted. Returns how much of both there was.
    """
    record = silences.held(conn, silence_id)
    if record is None:
        return 0
    now = moment.now
    begun = _has_begun(record, now)
    ended = _has_ended(record, now) or (begun is not None and record.spread_for not in {None, record.reported_for})
    if ended:
        record = _reported(conn, record, now)
        silences.change(conn, record)
    if begun is not None:
        _spread(conn, silence_of(record), begun, moment)
        silences.change(conn, replace(record, spread_for=begun.starts_at))
    return int(ended) + int(begun is not None)


def _has_begun(record: SilenceRecord, now: datetime) -> Stretch | None:
    stretch = silence_of(record).stretch_at(now)
    if stretch is None or stretch.starts_at == record.spread_for:
        return None
    return None if as_seen_at(record, now).stretch_at(now) is None else stretch  # ended on a clock that is ahead


def _has_ended(record: SilenceRecord, now: datetime) -> bool:
    noticed = record.spread_for is None or record.spread_for == record.reported_for
    return not noticed and silence_of(record).stretch_at(now) is None


def _spread(conn: Connection, silence: Silence, stretch: Stretch, moment: Moment) -> None:
    mute = mute_by_silence(silence, stretch)
    for page in alerts.firing_pages(conn):
        fitting: dict[UUID, set[str]] = {}
        for each in page:
            labels = with_severity(each.labels, each.severity, each.source)
            if each.incident_id is None or not silence.fits(labels):
                continue
            heard = [to.id for to, by in subscribers(moment.rules, labels) if by.deliver[each.severity] != Deliver.NONE]
            fitting.setdefault(each.incident_id, set()).update(heard)
        lanes = incidents.open_lanes(conn, fitting) if fitting else []
        mutes.hold(conn, [HeldBack(*lane, mute) for lane in lanes], moment.now)
        mutes.mark_held(conn, lanes)


def _reported(conn: Connection, record: SilenceRecord, now: datetime) -> SilenceRecord:
    """`record` with what its latest stretch hid. It counts all the incidents, and lists the first of them."""
    since = record.spread_for or record.starts_at
    hidden = silences.hidden_by(conn, silence_ref(silence_of(record)), since)
    report: Mapping[str, object] = {
        "since": since.isoformat(),
        "until": min(now, record.ends_at).isoformat(),
        "suppressed_count": hidden.notification_count,
        "incident_count": hidden.incident_count,
        "still_open_count": hidden.open_count,
        "incidents": list(map(str, hidden.incident_ids)),
        "still_open": list(map(str, hidden.open_ids)),
    }
    return replace(record, report=report, reported_for=record.spread_for)
