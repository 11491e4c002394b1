"""JSON as a request carries it."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

JSON_HEADERS = {"content-type": "application/json; charset=utf-8"}


def encoded(payload: Json) -> bytes:
    """`payload` in UTF-8, without blanks. Half characters become question marks; numbers must be finite."""
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def decoded(body: str) -> Mapping[str, object]:
    """The JSON object that `body` is; empty when it is none."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return mapping(found)


def mapping(value: object) -> Mapping[str, object]:
    """`value` when it is a JSON object, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else dict[str, object]()
