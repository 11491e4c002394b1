"""The file as a JSON Schema, for editors that complete and check while people write.

It says what can be said of one value by itself. What one part says about another (names that are used, secrets given
twice) is checked when the file is loaded.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import CoreSchema, core_schema

from alertsvc.core.durations import write_duration
from alertsvc.core.model import Severity
from alertsvc.settings.file import Kind, file_model
from alertsvc.settings.thresholds import ThresholdsFile
from alertsvc.settings.words import Listen

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Plain(GenerateJsonSchema):
    """Pydantic's schema, with defaults as people write them, and no titles: those only say the keys again."""

    schema_dialect = DIALECT

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        del schema
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """With the default where it is a single value."""
        inner = self.generate_inner(schema["schema"])
        shown = _shown(schema.get("default"))
        return inner if shown is None else {**inner, "default": shown}

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> dict[str, Any]:
        """The whole schema, with the name of its dialect first."""
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}


def _shown(default: object) -> str | int | float | bool | None:
    match default:
        case timedelta():
            return write_duration(default)
        case Severity():
            return default.word
        case Listen():
            return str(default)
        case bool() | int() | float() | str():
            return default
        case _:
            return None


def thresholds_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file of thresholds."""
    made = ThresholdsFile.model_json_schema(by_alias=True, schema_generator=_Plain, mode="validation")
    return {**made, "title": "alertsvc thresholds"}


def config_schema(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file whose receivers may have channels of `kinds`."""
    made = file_model(kinds).model_json_schema(by_alias=True, schema_generator=_Plain, mode="validation")
    return {**made, "title": "alertsvc configuration"}
