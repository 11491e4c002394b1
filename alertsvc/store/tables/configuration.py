"""The configurations that were in force."""

from datetime import datetime

from sqlmodel import Field

from alertsvc.store.tables.columns import Row, json_field


class ConfigurationRow(Row, table=True):
    """A configuration file as it was taken, with the operator's templates by file name. One row for each content."""

    fingerprint: str = Field(primary_key=True)
    text: str
    templates: dict[str, str] = json_field()
    version: str
    first_used_at: datetime
    last_used_at: datetime
