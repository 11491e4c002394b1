"""Who may do what."""

from datetime import datetime

from sqlmodel import Field

from alertsvc.store.tables.columns import Row, json_field


class TokenRow(Row, table=True):
    """A bearer token: its public id, what it may do, and the hash of its secret."""

    id: str = Field(primary_key=True)
    name: str
    scopes: list[str] = json_field()
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
