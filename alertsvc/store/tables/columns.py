"""Column kinds that the tables share, and the names that constraints get."""

import re
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Uuid, false
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """The base of every table. `NumberSeriesRow` declares the table `number_series`."""

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # SQLModel's own documented form
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__.removesuffix("Row")).lower()


JSON_COLUMN = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def json_field(*, nullable: bool = False) -> Any:
    """A JSON document: `jsonb` on PostgreSQL, text on SQLite. Assign a new value; changes in place are not seen."""
    return Field(default=None, sa_column=Column(JSON_COLUMN, nullable=nullable))


def flag() -> Any:
    """False unless said otherwise; the database itself says so, for rows that were there before the column."""
    return Field(default=False, sa_column_kwargs={"server_default": false()})


def reference(column: str, *, nullable: bool = False, index: bool = False, primary_key: bool = False) -> Any:
    """A foreign key to `table.column` whose row goes when the row it names goes."""
    key = ForeignKey(column, ondelete="CASCADE")
    return Field(default=None, sa_column=Column(Uuid(), key, nullable=nullable, index=index, primary_key=primary_key))


def one_of(column: str, words: type[StrEnum]) -> str:
    """The text of a CHECK: `column` holds one of the words of the enumeration."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"
