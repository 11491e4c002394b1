"""The tools whose reports are taken, by name, and the way from a report's bytes to events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from alertsvc.core.deployments import Deployment
from alertsvc.core.model import Event
from alertsvc.core.severity import SeverityRule
from alertsvc.core.thresholds.policy import Thresholds
from alertsvc.ingest.decoding import as_object, decode, encode
from alertsvc.ingest.events import NO_THRESHOLDS, ParsedEvents, read_all, read_kept
from alertsvc.ingest.parsed import BadPayloadError
from alertsvc.ingest.tools import (
    alibi_detect,
    deepchecks,
    evidently,
    great_expectations,
    mlflow,
    nannyml,
    whylogs,
)
from alertsvc.ingest.tools.context import NAMES, Context, need_model, unpacked
from alertsvc.ingest.tools.finding import Finding, as_event
from alertsvc.ingest.tools.report import Report

READERS: Mapping[str, Callable[[object, Context], Report]] = {
    "evidently": evidently.read,
    "great_expectations": great_expectations.read,
    "mlflow": mlflow.read,
    "nannyml": nannyml.read,
    "alibi_detect": alibi_detect.read,
    "deepchecks": deepchecks.read,
    "whylogs": whylogs.read,
}
"""What reads the reports of each tool. The names are the sources of their events."""
MOST_EVENTS = 5000
"""They are stored in one transaction."""


@dataclass(frozen=True, slots=True)
class ParsedReport:
    """A report, taken apart: its events, what it says of the life of a model, and what to tell its sender."""

    events: ParsedEvents
    deployments: Sequence[Deployment] = ()
    notes: Sequence[str] = ()


def parse(
    source: str,
    body: bytes,
    context: Context,
    received_at: datetime,
    severities: SeverityRule,
    *,
    thresholds: Thresholds = NO_THRESHOLDS,
) -> ParsedReport:
    """Turn a report of the tool `source` into events.

    Args:
        source: One of `READERS`.
        body: JSON as the tool writes it, bare or in an envelope that says what `context` does not.
        context: What the address says of the report; it is believed rather than what the report says of itself.
        received_at: When it arrived: `observed_at` when nobody says.
        severities: As for direct events.
        thresholds: As for direct events.

    Raises:
        UnknownShapeError: It is JSON, and no report of this tool.
        BadContextError: Nobody says which model it is about, or it is to be split in a way there is not.
        BadPayloadError: It is not JSON, or has too many findings.
    """
    found, context = unpacked(decode(body), replace(context, received_at=received_at))
    report = READERS[source](found, context)
    if report.told:
        need_model(report.context)
    if len(report.told) > MOST_EVENTS:
        raise BadPayloadError(
            f"{len(report.told)} findings in one report; at most {MOST_EVENTS} are taken: leave split out"
        )
    items = [as_event(each, report.context) for each in report.told]
    read = read_all(items, received_at, severities, source=source, thresholds=thresholds)
    events = tuple((index, _as_found(report.told[index], event)) for index, event in read.events)
    refused = tuple(replace(each, raw=b'{"finding": %b}' % (each.raw or b"null")) for each in read.refused)
    return ParsedReport(replace(read, events=events, refused=refused), report.deployments, report.notes)


def _as_found(finding: Finding, event: Event) -> Event:
    """What a direct event does not say: what measures nothing is no series that anybody waits for, and a tool may have
    chosen another test before.
    """
    if finding.says_nothing or event.observation is None:
        return replace(event, observation=None)
    if not finding.chosen_from:
        return event
    return replace(event, observation=replace(event.observation, instead_of=finding.chosen_from))


def packed(source: str, body: bytes, context: Context) -> bytes:
    """A report as the quarantine keeps it, with the context it came in.

    Raises:
        BadPayloadError: It is not JSON.
    """
    found = decode(body)
    if source == "great_expectations":
        found = great_expectations.without_data(found)
    said = {name: value for name, value in asdict(context).items() if name in NAMES and value is not None}
    return encode({"context": said, "report": found})


def parse_packed(
    source: str,
    raw: bytes,
    arrived_at: datetime,
    received_at: datetime,
    severities: SeverityRule,
    *,
    thresholds: Thresholds = NO_THRESHOLDS,
) -> ParsedReport:
    """A report from the quarantine, or one finding that was refused among others.

    Args:
        source: As for `parse`.
        raw: What `packed` made of it, or what stands beside a finding that was refused.
        arrived_at: When it came: what was observed then, if it does not say when.
        received_at: When it is taken out.
        severities: As for direct events.
        thresholds: As for direct events.

    Raises:
        BadPayloadError: It still cannot be read.
    """
    kept = as_object(decode(raw))
    if "finding" in kept:
        item = as_object(kept["finding"])
        event = read_kept(encode(item), arrived_at, received_at, severities, source, thresholds=thresholds)
        if item.keys().isdisjoint({"value", "breached"}):
            event = replace(event, observation=None)
        return ParsedReport(ParsedEvents(((0, event),), ()))
    said = as_object(kept.get("context"))
    context = Context().or_else(said)
    return parse(source, encode(kept.get("report")), context, received_at, severities, thresholds=thresholds)
