"""The sections that decide: the routing tree, correlation, digests, severities and what is known of models."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue

from alertsvc.core.correlate import ALL_LABELS
from alertsvc.core.model import Deliver, Severity
from alertsvc.core.route import Matcher
from alertsvc.ingest.metrics import Kind
from alertsvc.matchers import MatcherError, compile_pattern, parse_matchers
from alertsvc.settings.durations import Duration, Interval
from alertsvc.settings.errors import SlipError
from alertsvc.settings.process import Section
from alertsvc.settings.schedules import parse_cron
from alertsvc.settings.words import LabelName, Name, NotEmpty, NotYet, TimeZone, WebUrl

SHORTEST_WATCH = timedelta(minutes=2)


def _matchers(value: object) -> tuple[Matcher, ...]:
    if isinstance(value, dict):
        raise MatcherError("a matcher is one text, not a mapping: write 'severity=\"critical\"'", 0)
    if not isinstance(value, str):
        raise MatcherError('a matcher such as severity="critical" is needed, in single quotes', 0)
    return parse_matchers(value)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_MATCHER_SCHEMA: JsonSchemaValue = {
    "type": "string",
    "pattern": "=|!~",
    "examples": ['severity="critical"', 'team=~"a|b"'],
}
MatcherText = Annotated[
    tuple[Matcher, ...],
    PlainValidator(_matchers),
    WithJsonSchema(_MATCHER_SCHEMA),
]
"""The conditions that one matcher string holds."""
Matchers = Annotated[
    tuple[MatcherText, ...],
    BeforeValidator(_listed),
    WithJsonSchema({**_MATCHER_SCHEMA, "type": ["string", "array"], "items": _MATCHER_SCHEMA}),
]
"""One matcher string or a list of them, each with what it holds. An alert must fit them all."""


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    if ALL_LABELS in names and len(names) > 1:
        raise ValueError("'...' means every label and must stand alone")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the label {twice!r} is named twice")
    return names


def _pattern(text: str) -> str:
    compile_pattern(text)
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression."""


def _schedule(text: str) -> str:
    parse_cron(text, "UTC")
    return text


def _severity(word: object) -> Severity:
    words = {severity.word: severity for severity in reversed(Severity)}
    if not isinstance(word, str) or word not in words:
        raise SlipError(f"must be one of {', '.join(words)}", str(word), frozenset(words))
    return words[word]


SeverityWord = Annotated[
    Severity, PlainValidator(_severity), WithJsonSchema({"enum": [severity.word for severity in reversed(Severity)]})
]
GroupBy = Annotated[tuple[LabelName, ...], AfterValidator(_labels)]


class DeliverTable(Section):
    """How firing notices travel, by severity; one word means all of them. What is left out is inherited."""

    critical: Deliver | None = None
    error: Deliver | None = None
    warning: Deliver | None = None
    info: Deliver | None = None

    def overlaid(self, below: Mapping[Severity, Deliver]) -> dict[Severity, Deliver]:
        """`below` with what this table says."""
        said = {severity: getattr(self, severity.word) for severity in Severity}
        return {**below, **{severity: deliver for severity, deliver in said.items() if deliver is not None}}


def _table(value: object) -> object:
    return {severity.word: value for severity in Severity} if isinstance(value, str) else value


class RouteNode(Section):
    """A route as it is written. What is None is inherited, except for the root; time intervals never are."""

    name: Name | None = None
    receiver: str | None = None
    matchers: Matchers = ()
    match: dict[str, str] = Field(default_factory=dict[str, str])
    match_re: dict[str, Pattern] = Field(default_factory=dict[str, str])
    goes_on: bool = Field(default=False, alias="continue")
    group_by: GroupBy | None = None
    group_wait: Duration | None = None
    group_interval: Interval | None = None
    repeat_interval: Interval | None = None
    digest: str | None = None
    deliver: Annotated[DeliverTable, BeforeValidator(_table, json_schema_input_type=Deliver | DeliverTable)] = (
        DeliverTable()
    )
    routes: tuple["RouteNode", ...] = ()
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    escalate: NotYet = None


class SeverityEntry(Section):
    """What a severity does unless a route says otherwise, and the foreign words that mean it (in any case)."""

    deliver: Deliver | None = None
    also: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()


class SeveritiesSection(Section):
    """What severities do, what foreign words mean, and what an alert without one is: by its kind, or any."""

    critical: SeverityEntry = SeverityEntry()
    error: SeverityEntry = SeverityEntry()
    warning: SeverityEntry = SeverityEntry()
    info: SeverityEntry = SeverityEntry()
    default: SeverityWord = Severity.WARNING
    kinds: dict[Kind, SeverityWord] = Field(default_factory=dict[Kind, Severity])

    def entry(self, severity: Severity) -> SeverityEntry:
        """The entry of `severity`."""
        return cast(SeverityEntry, getattr(self, severity.word))


class CorrelateEntry(Section):
    """A rule for what makes one incident: alerts that fit `matchers` and agree on the labels `by`."""

    name: Name
    by: Annotated[GroupBy, NotEmpty]
    matchers: Matchers = ()
    reopen_within: Duration = timedelta(0)


class DigestEntry(Section):
    """A digest: each `every`, or by a cron `schedule` in `timezone`.

    At most `max_items` incidents are listed; so many waiting as `urgent_after` send it before its time.
    """

    name: Name
    every: Interval | None = None
    schedule: Annotated[str, AfterValidator(_schedule)] | None = None
    timezone: TimeZone = "UTC"
    max_items: Annotated[int, Field(ge=1, le=1000)] = 200
    urgent_after: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _has_one_rhythm(self) -> Self:
        if (self.every is None) == (self.schedule is None):
            raise ValueError("give one of 'every' and 'schedule', such as every: 1h")
        return self


class FreshnessSection(Section):
    """How bad it is that an observation, or all of a model, does not come."""

    severity: SeverityWord = Severity.WARNING


def _is_noticed(span: timedelta) -> timedelta:
    if span < SHORTEST_WATCH:
        raise ValueError("at least 2m: what is repeated is noticed twice a minute, and looked for as often")
    return span


class WatchdogEntry(Section):
    """An alert that always fires, by its `alertname`: when it does not come `within` a span, that is an alert.

    With labels `by`, for each combination of their values that it was seen with: then each cluster has its own.
    """

    name: Annotated[str, Field(min_length=1)]
    within: Annotated[Interval, AfterValidator(_is_noticed)] = timedelta(minutes=10)
    by: tuple[LabelName, ...] = ()
    severity: SeverityWord = Severity.CRITICAL


class ModelEntry(Section):
    """What people know about a model, joined by the label `model`.

    Something is to be observed of it every `expect_event_every`, in each environment: else an alert says that it is
    silent.
    """

    name: Annotated[str, Field(min_length=1)]
    owner: str | None = None
    runbook_url: WebUrl | None = None
    expect_event_every: Interval | None = None
    thresholds: NotYet = None
