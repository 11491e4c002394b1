"""What a report does not say by itself: which model it is about. It comes in the address, or around the report."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

from alertsvc.ingest.decoding import Json, as_object
from alertsvc.ingest.parsed import BadPayloadError

CARRIERS = ("report", "result", "payload")
"""What a report may be called in an envelope; the first is the documented one."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a report beside the report. `split` asks for an event of each column, say, beside the whole.

    The next report is expected within `expect_next_within`, a duration as direct events have it.
    """

    model: str | None = None
    model_version: str | None = None
    environment: str | None = None
    dataset: str | None = None
    observed_at: str | None = None
    run_id: str | None = None
    split: str | None = None
    expect_next_within: str | None = None
    received_at: datetime | None = None

    def or_else(self, given: Mapping[str, object]) -> "Context":
        """The same, with what it does not say taken from `given`."""
        found = {name: str(given[name]) for name in NAMES if getattr(self, name) is None and _says(given.get(name))}
        return replace(self, **found) if found else self


NAMES = tuple(each.name for each in fields(Context) if each.name != "received_at")


def _says(value: object) -> bool:
    return (isinstance(value, str) and bool(value)) or (isinstance(value, int) and not isinstance(value, bool))


class UnknownShapeError(BadPayloadError):
    """A body in JSON that is no report of this tool. The text says what would be one."""


class BadContextError(BadPayloadError):
    """Nobody said which model a report is about, or asked for what there is not. The text says where to say it."""


def unpacked(found: object, context: Context) -> tuple[object, Context]:
    """The report in an envelope, and the context with what the envelope says; a bare report comes back as it is.

    Raises:
        BadContextError: The envelope has a name that is none, and would be ignored.
    """
    given = as_object(found)
    carriers = [name for name in CARRIERS if name in given]
    beside = given.keys() - set(carriers)
    if len(carriers) != 1 or not beside & set(NAMES):
        return found, context
    _refuse_slips(beside)
    return given[carriers[0]], context.or_else(given)


def _refuse_slips(names: set[str]) -> None:
    for name in sorted(names - set(NAMES)):
        near = difflib.get_close_matches(name[:40], NAMES, 1, 0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"around a report there may be {', '.join(NAMES)}"
        raise BadContextError(f"{name[:40]}: unknown name around the report; {hint}", name[:40])


def check_split(context: Context, known: str | None) -> bool:
    """Whether a report is to be split.

    Raises:
        BadContextError: It is, in a way that this tool's reports are not.
    """
    if context.split is None:
        return False
    if context.split != known:
        fix = f"the only one here is {known!r}" if known else "this tool's reports are not split; leave it out"
        raise BadContextError(f"split: {context.split[:40]!r} is not possible; {fix}", "split")
    return True


def need_model(context: Context) -> None:
    """Refuse a report about nobody.

    Raises:
        BadContextError: There is no model.
    """
    if not (context.model or "").strip():
        raise BadContextError(
            'model: which one is this about? Add ?model=… to the address, or send {"model": …, "report": …}', "model"
        )


def metadata_of(report: Json) -> Json:
    """What a report may say of itself under `metadata`."""
    return as_object(report.get("metadata"))
