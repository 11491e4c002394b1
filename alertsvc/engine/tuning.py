"""What a configuration says of the running process, and may change while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alertsvc.engine.deadman import Switch
from alertsvc.engine.deliver import SendingPace
from alertsvc.engine.tick import RESOLVE_TIMEOUT
from alertsvc.ingest.signatures import Signing
from alertsvc.settings.load import Settings
from alertsvc.store.housekeeping import Retention


@dataclass(frozen=True, slots=True)
class Tuning:
    """How long things are kept, how fast is sent, what may come in, how long is believed and silenced.

    And whether it raises alerts about itself, which address outside it calls while it is well, and how the requests of
    sources are signed.
    """

    retention: Retention = field(default_factory=Retention)
    pace: SendingPace = field(default_factory=SendingPace)
    max_body_bytes: int = 16 * 1024 * 1024
    tokens_required: bool = False
    resolve_timeout: timedelta = RESOLVE_TIMEOUT
    longest_silence: timedelta | None = None
    self_alerts: bool = True
    deadman: Switch | None = None
    signing: Mapping[str, Signing] = field(default_factory=dict[str, Signing])


def tuning_of(settings: Settings) -> Tuning:
    """The tuning that the file asks for."""
    kept, sending = settings.retention, settings.delivery
    address = settings.deadman.address
    return Tuning(
        retention=Retention(
            incidents=kept.incidents,
            measurements=kept.measurements,
            deliveries=kept.deliveries,
            arrivals=kept.arrivals,
            idempotency_keys=kept.idempotency_keys,
        ),
        pace=SendingPace(sending.concurrency, sending.rate, sending.poll_every.total_seconds()),
        max_body_bytes=settings.server.max_body_bytes,
        tokens_required=settings.auth.tokens_required,
        resolve_timeout=settings.resolve_timeout,
        longest_silence=settings.silences.longest,
        self_alerts=settings.self_alerts.enabled,
        signing=settings.sources.signing,
        deadman=None if address is None else Switch(address, settings.deadman.interval),
    )
