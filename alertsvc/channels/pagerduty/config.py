"""What an operator may say about PagerDuty: Alertmanager's `pagerduty_configs`, and a little more.

Source: https://prometheus.io/docs/alerting/latest/configuration/#pagerduty_config
"""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from alertsvc.channels.base import ChannelConfig, Crowd, mark_of, one_secret
from alertsvc.channels.fields import Constant, MaybeWebAddress, NoTemplate, Timeout, WebAddress
from alertsvc.core.model import Reason
from alertsvc.secret import Secret

KEY = re.compile("[A-Za-z0-9]{32}")
BAD_KEY = "a routing key has 32 letters and digits"
_ALERTMANAGERS_DETAILS = re.compile(r"\{\{ \.Alerts\.\w+ \| (?:toJson|len) \}\}")
"""What Alertmanager fills in for `details` by itself: as good as nothing."""


def _old_key(_: object) -> None:
    raise ValueError("the Events API v1 is not supported: add an Events API v2 integration and give its routing_key")


def _checked_key(value: SecretStr) -> SecretStr:
    if not KEY.fullmatch(value.get_secret_value().strip()):
        raise ValueError(BAD_KEY)
    return value


def _own_details(value: object) -> object:
    if not isinstance(value, dict):
        return value
    given = cast("dict[object, object]", value)
    return {name: text for name, text in given.items() if not _ALERTMANAGERS_DETAILS.fullmatch(str(text))}


SeverityChoice = Annotated[Literal["critical", "error", "warning", "info"] | None, NoTemplate]
RoutingKey = Annotated[SecretStr, AfterValidator(_checked_key)]
OldKey = Annotated[None, PlainValidator(_old_key), WithJsonSchema({"not": {}})]
Details = Annotated[dict[str, Constant], BeforeValidator(_own_details)]


class PagerDutyLink(BaseModel):
    """A link that stands with every alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    href: WebAddress
    text: Constant = None


class PagerDutyConfig(ChannelConfig):
    """One entry of `pagerduty_configs`."""

    kind: ClassVar[str] = "pagerduty"
    crowd: ClassVar[Crowd] = Crowd.PAGES

    routing_key: RoutingKey | None = None
    routing_key_file: Path | None = None
    routing_key_env: str | None = None
    service_key: OldKey = None
    service_key_file: OldKey = None
    url: WebAddress | None = None
    client: Constant = None
    client_url: MaybeWebAddress = None
    description: Constant = None
    details: Details = Field(default_factory=dict[str, Constant])
    links: tuple[PagerDutyLink, ...] = ()
    source: Constant = None
    severity: SeverityChoice = None
    severity_floor: SeverityChoice = None
    component: Constant = None
    group: Constant = None
    class_: Constant = Field(default=None, alias="class")
    timeout: Timeout | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "PagerDutyConfig":
        self.key()
        if self.severity and self.severity_floor:
            raise ValueError("severity fixes what severity_floor would raise: give one of them")
        return self

    def key(self) -> Secret:
        """The integration key of the service.

        Raises:
            ValueError: None is given, or more than one.
        """
        found = one_secret("routing_key", self.routing_key, self.routing_key_file, self.routing_key_env)
        if found is None:
            raise ValueError("one of routing_key, routing_key_file and routing_key_env is needed")
        return found

    def label(self) -> str:
        return f"key-{mark_of(self.key())}"

    def hears(self) -> frozenset[Reason]:
        return super().hears() | {Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED}


class PagerDutyGlobals(BaseModel):
    """What all PagerDuty channels share unless an entry says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pagerduty_url: WebAddress | None = None
