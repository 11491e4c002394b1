"""What keeps news back, and who is behind it, as the API shows it."""

from datetime import datetime
from uuid import UUID

from sqlmodel import SQLModel

from alertsvc.core.mutes import Mute, MuteKind
from alertsvc.core.silences import FOREVER
from alertsvc.engine.mute_origins import Origin
from alertsvc.engine.muting import silence_of
from alertsvc.store.inhibitors import Inhibitor
from alertsvc.store.silences import SilenceRecord


class MutingSilence(SQLModel):
    """The silence behind a mute. `ends_at` is null for one without an end."""

    id: UUID
    created_by: str
    comment: str
    starts_at: datetime
    ends_at: datetime | None
    matchers: list[str]

    @classmethod
    def of(cls, record: SilenceRecord) -> "MutingSilence":
        """The view of a silence."""
        return cls(
            id=record.id,
            created_by=record.created_by,
            comment=record.comment,
            starts_at=record.starts_at,
            ends_at=record.ends_at if record.ends_at < FOREVER else None,
            matchers=[str(matcher) for matcher in silence_of(record).matchers],
        )


class MutingAlert(SQLModel):
    """The firing alert behind a mute, and the number of the incident it is in."""

    fingerprint: str
    labels: dict[str, str]
    incident: int | None

    @classmethod
    def of(cls, found: Inhibitor) -> "MutingAlert":
        """The view of an alert that inhibits."""
        return cls(fingerprint=found.fingerprint, labels=dict(found.labels), incident=found.incident_number)


class MuteView(SQLModel):
    """Something that keeps news back: a `silence`, an `inhibition`, an `interval`. `until`: when it ends by itself.

    `silence` and `alert` are who is behind it, as far as they are still there.
    """

    kind: str
    ref: str
    said: str
    until: datetime | None
    silence: MutingSilence | None = None
    alert: MutingAlert | None = None

    @classmethod
    def of(cls, mute: Mute, origin: Origin | None = None) -> "MuteView":
        """The view of a mute, with what is behind it."""
        return cls.named(mute.ref, mute.said, mute.until, origin)

    @classmethod
    def named(cls, ref: str, said: str, until: datetime | None, origin: Origin | None) -> "MuteView":
        """The view of a mute that is known by its ref."""
        return cls(
            kind=MuteKind(ref.partition(":")[0]),
            ref=ref,
            said=said,
            until=until,
            silence=MutingSilence.of(origin) if isinstance(origin, SilenceRecord) else None,
            alert=MutingAlert.of(origin) if isinstance(origin, Inhibitor) else None,
        )
