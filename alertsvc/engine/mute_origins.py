"""Who or what is behind a mute: the silence with its author, the alert that inhibits."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.mutes import MuteKind
from alertsvc.store import inhibitors, silences
from alertsvc.store.inhibitors import Inhibitor
from alertsvc.store.silences import SilenceRecord

Origin = SilenceRecord | Inhibitor
Origins = Mapping[str, Origin]
"""By the mute's ref. One that is not there any more is missing, and so is the clock."""


def origins_of(conn: Connection, refs: Iterable[str]) -> Origins:
    """What is behind the mutes `refs`: silences, ended ones too, and alerts that fire."""
    named: dict[str, set[str]] = {}
    for ref in refs:
        kind, _, rest = ref.partition(":")
        named.setdefault(kind, set()).add(rest)
    ids = named.get(MuteKind.SILENCE)
    found: dict[str, Origin] = {}
    for record in silences.by_ids(conn, map(UUID, ids)) if ids else ():
        found[f"{MuteKind.SILENCE}:{record.id}"] = record
    places = named.get(MuteKind.INHIBITION)
    for place, inhibitor in inhibitors.named(conn, places).items() if places else ():
        found[f"{MuteKind.INHIBITION}:{place}"] = inhibitor
    return found
