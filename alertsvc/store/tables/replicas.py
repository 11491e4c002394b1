"""The processes that work on this database."""

from datetime import datetime

from sqlmodel import Field

from alertsvc.store.tables.columns import Row, json_field


class ReplicaRow(Row, table=True):
    """A process of the service, as it described itself at `seen_at`. `name` is the worker that its leases carry.

    `role` says what part of the work it does. `configuration` is the fingerprint of what it works by, since
    `configured_at`. `busy` are destinations to which it sends, or may not send now; `troubles` what does not work in
    it; `file_trouble` what is wrong with its configuration file. `clock_offset_seconds` is how far the database's clock
    was ahead of its own.
    """

    name: str = Field(primary_key=True)
    role: str = Field(sa_column_kwargs={"server_default": "all"})
    version: str
    started_at: datetime
    seen_at: datetime
    configuration: str
    configured_at: datetime
    busy: list[str] = json_field()
    troubles: list[str] = json_field()
    file_trouble: str | None = None
    clock_offset_seconds: float
