"""What the detectors of streams know: read and written with the values they take in, while their series is held."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from alertsvc.core.thresholds.streaming import Detector, Extent
from alertsvc.store.bulk import Among
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import detector

_EXTENT = (
    detector.c.value_count,
    detector.c.began_at,
    detector.c.last_observed_at,
    detector.c.model_version,
    detector.c.test,
)
_OF_SERIES = Among(detector.c.fingerprint, "fingerprints")
_EXTENTS = select(detector.c.fingerprint, *_EXTENT).where(_OF_SERIES)
_KEPT = select(detector.c.fingerprint, detector.c.state, *_EXTENT).where(_OF_SERIES)
_MOVED = ("value_count", "began_at", "last_observed_at", "model_version", "test", "state")
_ON_CONFLICT = f"ON CONFLICT (fingerprint) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _MOVED)}"


def kept(conn: Connection, fingerprints: Collection[str]) -> dict[str, Detector]:
    """The detectors of series, as far as there are any. Hold the series first (see `measurements.locked`)."""
    rows = conn.execute(_KEPT, {"fingerprints": list(fingerprints)})
    return {row[0]: Detector(Extent(*row[2:]), _state(row[1])) for row in rows}


def extents(conn: Connection, fingerprints: Collection[str]) -> dict[str, Extent]:
    """What the detectors of series have taken in, without what they know of it."""
    return {row[0]: Extent(*row[1:]) for row in conn.execute(_EXTENTS, {"fingerprints": list(fingerprints)})}


def add(new: Insertions, moved: Mapping[str, Detector]) -> None:
    """Have detectors kept as they are now. Their series are there."""
    new.add(detector, [_row(name, moved[name]) for name in sorted(moved)], on_conflict=_ON_CONFLICT)


def _row(fingerprint: str, moved: Detector) -> dict[str, object]:
    extent = moved.extent
    if extent is None:
        raise ValueError("a detector that has taken in nothing is not kept")
    return {
        "fingerprint": fingerprint,
        "value_count": extent.value_count,
        "began_at": extent.began_at,
        "last_observed_at": extent.last_observed_at,
        "model_version": extent.model_version,
        "test": extent.test,
        "state": msgspec.json.encode(moved.state()).decode(),
    }


def _state(text: str) -> dict[str, Any]:
    """What was kept; nothing if it is no JSON, so that the detector begins anew rather than stop its series."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
