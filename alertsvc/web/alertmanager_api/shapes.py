"""Our values in Alertmanager's shapes. Lists and maps are never null."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from alertsvc.core.route import Matcher, Op
from alertsvc.core.silences import Silence, SilenceState
from alertsvc.engine.muting import silence_of
from alertsvc.engine.standing import Standing
from alertsvc.ingest.links import SOURCE_TITLE
from alertsvc.store.silences import SilenceRecord

Shape = dict[str, Any]


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as Alertmanager writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def gettable_alert(
    standing: Standing, now: datetime, resolve_timeout: timedelta, muted_by: Iterable[str] = ()
) -> Shape:
    """An alert. One whose source will say that it ended gets an end that keeps its distance."""
    alert = standing.alert
    muted = list(muted_by)
    sources = [link["url"] for link in alert.links if link["title"] == SOURCE_TITLE]
    return {
        "annotations": dict(alert.annotations),
        "endsAt": instant(alert.expires_at or now + resolve_timeout),
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": route.receiver} for route in standing.routes],
        "startsAt": instant(alert.starts_at),
        "status": {
            "inhibitedBy": list(standing.inhibited_by),
            "mutedBy": muted,
            "silencedBy": list(standing.silenced_by),
            "state": "suppressed" if standing.is_suppressed or muted else "active",
        },
        "updatedAt": instant(alert.last_seen_at),
        **({"generatorURL": sources[0]} if sources else {}),
        "labels": dict(alert.labels),
    }


def gettable_silence(record: SilenceRecord, now: datetime) -> Shape:
    """A silence. Alertmanager knows none that comes again: of such a one the present or next stretch is shown."""
    silence = silence_of(record)
    shown = silence.stretch_at(now) or (silence.next_stretch(now) if silence.recurrence else None) or silence
    return {
        "id": str(record.id),
        "status": {"state": str(silence.state(now))},
        "updatedAt": instant(record.updated_at),
        "annotations": dict(record.annotations),
        "comment": record.comment,
        "createdBy": record.created_by,
        "endsAt": instant(shown.ends_at),
        "matchers": [_matcher(each) for each in silence.matchers],
        "startsAt": instant(shown.starts_at),
    }


def _matcher(matcher: Matcher) -> Shape:
    return {
        "isEqual": matcher.op in {Op.EQUAL, Op.MATCHES},
        "isRegex": matcher.op in {Op.MATCHES, Op.NOT_MATCHES},
        "name": matcher.name,
        "value": matcher.value,
    }


_ORDER = {SilenceState.ACTIVE: 1, SilenceState.PENDING: 2, SilenceState.EXPIRED: 3}


def as_listed(record: SilenceRecord, now: datetime) -> tuple[int, float]:
    """The key that sorts silences as Alertmanager lists them.

    Those in force first, the one that ends next before the others; then what begins next; then what ended last.
    """
    silence = silence_of(record)
    state = silence.state(now)
    return _ORDER[state], _rank(silence, state, now)


def _rank(silence: Silence, state: SilenceState, now: datetime) -> float:
    match state:
        case SilenceState.ACTIVE:
            return (silence.stretch_at(now) or silence).ends_at.timestamp()
        case SilenceState.PENDING:
            return (silence.next_stretch(now) or silence).starts_at.timestamp()
        case SilenceState.EXPIRED:
            return -silence.ends_at.timestamp()


def listed_in_json(shapes: Iterable[Mapping[str, Any]]) -> bytes:
    """The elements of a JSON array, without its brackets."""
    return msgspec.json.encode(list(shapes))[1:-1]
