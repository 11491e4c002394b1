"""Turns what somebody asks for into the silence it would be, or into all that is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from alertsvc.core.route import Matcher, Op
from alertsvc.core.silences import FOREVER, Flaw, Silence, flaws_of
from alertsvc.engine.silencing import BadSilenceError
from alertsvc.matchers import MatcherError, new_matcher
from alertsvc.settings.schedules import parse_cron
from alertsvc.store.silences import SilenceRecord
from alertsvc.web import asking
from alertsvc.web.silence_views import MatcherRequest, SilenceRequest


@dataclass(frozen=True, slots=True)
class Context:
    """What is not in the request: its instant, the id for a new silence, who asks, and the silence it changes."""

    now: datetime
    new_id: UUID
    asked_by: str
    before: SilenceRecord | None = None


def matchers_of(asked: SilenceRequest) -> tuple[Matcher, ...]:
    """The matchers of a request.

    Raises:
        BadSilenceError: One of them is none, or together they fit everything.
    """
    found: list[Flaw] = []
    matchers = _matchers(asked.matchers, found)
    if not found and all(matcher.fits({}) for matcher in matchers):
        found.append(Flaw("matchers", "at least one must not fit an empty label, or everything would be silenced"))
    if found:
        raise BadSilenceError(found)
    return matchers


def silence_record(asked: SilenceRequest, context: Context) -> SilenceRecord:
    """The silence that a request wants.

    Raises:
        BadSilenceError: It cannot be made. All that is wrong is named, with one flaw for each field.
    """
    reading = _Reading(asked, context)
    record = reading.record()
    if reading.flaws:
        raise BadSilenceError(_one_a_field([*reading.flaws, *flaws_of(reading.silence(record), context.now)]))
    return record


def _one_a_field(flaws: Sequence[Flaw]) -> list[Flaw]:
    found: dict[str, Flaw] = {}
    for flaw in flaws:
        inside = any(name.startswith(flaw.field + ".") for name in found)
        if not inside:
            found.setdefault(flaw.field, flaw)
    return list(found.values())


@dataclass(slots=True)
class _Reading:
    """A request while it is read. What is wrong with it collects in `flaws`."""

    asked: SilenceRequest
    context: Context
    flaws: list[Flaw] = field(default_factory=list[Flaw])
    _matchers: tuple[Matcher, ...] = ()

    def record(self) -> SilenceRecord:
        asked, context = self.asked, self.context
        before = context.before
        self._matchers = _matchers(asked.matchers, self.flaws)
        starts_at = self._instant("starts_at", asked.starts_at) or (before.starts_at if before else context.now)
        ends_at = self._end(starts_at)
        return SilenceRecord(
            id=context.new_id,
            matchers=tuple((each.name, str(each.op), each.value) for each in self._matchers),
            starts_at=starts_at,
            ends_at=ends_at,
            created_by=asked.created_by or (before.created_by if before else context.asked_by),
            comment=asked.comment,
            created_at=context.now,
            updated_at=context.now,
            schedule=self._schedule(),
            timezone=asked.timezone or "UTC",
            duration_seconds=asked.duration.total_seconds() if asked.schedule and asked.duration else None,
            annotations=tuple(sorted(asked.annotations.items())),
        )

    def silence(self, record: SilenceRecord) -> Silence:
        """The silence as far as it can be read."""
        return Silence(record.id, self._matchers, record.starts_at, record.ends_at, record.created_by, record.comment)

    def _instant(self, name: str, given: datetime | None) -> datetime | None:
        if given is None:
            return None
        if given.tzinfo is None:
            self.flaws.append(Flaw(name, "give a time zone, such as 2026-01-31T09:00:00Z"))
            return None
        try:
            instant = given.astimezone(UTC)
        except OverflowError:
            instant = FOREVER + timedelta(days=1)
        if instant > FOREVER:
            self.flaws.append(Flaw(name, "lies after the year 9998; leave it out for a schedule without an end"))
            return None
        return instant

    def _end(self, starts_at: datetime) -> datetime:
        asked = self.asked
        given = self._instant("ends_at", asked.ends_at)
        if asked.schedule is not None:
            if asked.duration is None:
                self.flaws.append(Flaw("duration", "says for how long it mutes at each time of the schedule"))
            return given or FOREVER
        if asked.timezone is not None:
            self.flaws.append(Flaw("timezone", "goes with a schedule; starts_at and ends_at have their own"))
        if asked.duration is None:
            if asked.ends_at is None:
                self.flaws.append(Flaw("ends_at", "give it, or a duration such as 2h"))
            return given or FOREVER
        if asked.ends_at is not None:
            self.flaws.append(Flaw("duration", "give either ends_at or duration, not both"))
            return given or FOREVER
        begins_at = max(starts_at, self.context.now)
        return begins_at + min(asked.duration, FOREVER - begins_at)

    def _schedule(self) -> str | None:
        if self.asked.schedule is None:
            return None
        try:
            parse_cron(self.asked.schedule, self.asked.timezone or "UTC")
        except ValueError as fault:
            self.flaws.append(Flaw("schedule", str(fault)))
        return self.asked.schedule.strip()


def _matchers(listed: Sequence[str | MatcherRequest], flaws: list[Flaw]) -> tuple[Matcher, ...]:
    found: list[Matcher] = []
    for index, each in enumerate(listed):
        try:
            found += asking.matchers_in(each) if isinstance(each, str) else [_matcher(each)]
        except MatcherError as fault:
            flaws.append(Flaw(f"matchers.{index}", f"{fault} (at character {fault.offset + 1})"))
        except ValueError as fault:
            flaws.append(Flaw(f"matchers.{index}", str(fault)))
    return tuple(found)


def _matcher(asked: MatcherRequest) -> Matcher:
    if asked.op is not None and (asked.isRegex is not None or asked.isEqual is not None):
        raise ValueError("give either op, or isRegex and isEqual")
    op = asked.op or op_of(is_regex=bool(asked.isRegex), is_equal=asked.isEqual is not False)
    return new_matcher(asked.name, op, asked.value)


def op_of(*, is_regex: bool, is_equal: bool) -> Op:
    """The operator that Alertmanager's two flags stand for."""
    if is_regex:
        return Op.MATCHES if is_equal else Op.NOT_MATCHES
    return Op.EQUAL if is_equal else Op.NOT_EQUAL
