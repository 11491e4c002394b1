"""The tables. The lower-case names are their Core forms, for statements; importing the classes declares them."""

from sqlmodel import SQLModel

from alertsvc.store.tables.access import TokenRow
from alertsvc.store.tables.alerts import (
    AlertRow,
    ArrivalRow,
    EpisodeRow,
    EventRow,
    IdempotencyRow,
    QuarantineRow,
)
from alertsvc.store.tables.configuration import ConfigurationRow
from alertsvc.store.tables.delivery import (
    AttemptRow,
    DeliveryRow,
    DigestRow,
    NotificationMuteRow,
    NotificationRow,
    OutboxRow,
    StormRow,
)
from alertsvc.store.tables.incidents import BelieverRow, HistoryRow, IncidentRow, NumberSeriesRow, TimerRow
from alertsvc.store.tables.models import DeploymentRow, DetectorRow, MeasurementRow, SeriesRow
from alertsvc.store.tables.mutes import EndedMuteRow, InhibitorRow, MuteRow, SilenceRow
from alertsvc.store.tables.replicas import ReplicaRow

__all__ = [
    "AlertRow",
    "ArrivalRow",
    "AttemptRow",
    "BelieverRow",
    "ConfigurationRow",
    "DeliveryRow",
    "DeploymentRow",
    "DetectorRow",
    "DigestRow",
    "EndedMuteRow",
    "EpisodeRow",
    "EventRow",
    "HistoryRow",
    "IdempotencyRow",
    "IncidentRow",
    "InhibitorRow",
    "MeasurementRow",
    "MuteRow",
    "NotificationMuteRow",
    "NotificationRow",
    "NumberSeriesRow",
    "OutboxRow",
    "QuarantineRow",
    "ReplicaRow",
    "SeriesRow",
    "SilenceRow",
    "StormRow",
    "TimerRow",
    "TokenRow",
]

metadata = SQLModel.metadata

arrival = metadata.tables["arrival"]
quarantine = metadata.tables["quarantine"]
alert = metadata.tables["alert"]
episode = metadata.tables["episode"]
event = metadata.tables["event"]
series = metadata.tables["series"]
measurement = metadata.tables["measurement"]
detector = metadata.tables["detector"]
deployment = metadata.tables["deployment"]
idempotency = metadata.tables["idempotency"]
incident = metadata.tables["incident"]
believer = metadata.tables["believer"]
history = metadata.tables["history"]
timer = metadata.tables["timer"]
number_series = metadata.tables["number_series"]
notification = metadata.tables["notification"]
notification_mute = metadata.tables["notification_mute"]
outbox = metadata.tables["outbox"]
delivery = metadata.tables["delivery"]
attempt = metadata.tables["attempt"]
digest = metadata.tables["digest"]
token = metadata.tables["token"]
storm = metadata.tables["storm"]
silence = metadata.tables["silence"]
mute = metadata.tables["mute"]
ended_mute = metadata.tables["ended_mute"]
inhibitor = metadata.tables["inhibitor"]
configuration = metadata.tables["configuration"]
replica = metadata.tables["replica"]
