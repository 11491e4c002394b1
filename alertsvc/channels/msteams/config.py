"""What an operator may say about Teams: Alertmanager's `msteamsv2_configs`, and a little more.

The flow behind the URL must accept posts from anyone: then the URL, with its signature, is the only credential. It
belongs to a person and ends with that person's account, so give it a second owner.

Source: https://prometheus.io/docs/alerting/latest/configuration/#msteamsv2_config
"""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from alertsvc.channels.base import ChannelConfig, Crowd, mark_of, one_secret
from alertsvc.channels.fields import Constant, SecretWebAddress, Timeout
from alertsvc.secret import Secret

MAX_MENTIONS = 5


class TeamsMention(BaseModel):
    """A person to call: a user principal name or an Entra object id, and the name to show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._'@#-]{1,200}$")]
    name: Annotated[str, StringConstraints(pattern=r"^[^<>{}\[\]*_`\\\x00-\x1f]{1,60}$")]


class TeamsConfig(ChannelConfig):
    """One entry of `msteamsv2_configs`."""

    kind: ClassVar[str] = "msteamsv2"
    crowd: ClassVar[Crowd] = Crowd.MESSAGES

    webhook_url: SecretWebAddress | None = None
    webhook_url_file: Path | None = None
    webhook_url_env: str | None = None
    title: Constant = None
    text: Constant = None
    mentions: Annotated[tuple[TeamsMention, ...], Field(max_length=MAX_MENTIONS)] = ()
    timeout: Timeout | None = None

    @model_validator(mode="after")
    def _one_url(self) -> "TeamsConfig":
        self.webhook()
        return self

    def webhook(self) -> Secret:
        """The URL of the flow.

        Raises:
            ValueError: None is given, or more than one.
        """
        found = one_secret("webhook_url", self.webhook_url, self.webhook_url_file, self.webhook_url_env)
        if found is None:
            raise ValueError("one of webhook_url, webhook_url_file and webhook_url_env is needed")
        return found

    def label(self) -> str:
        return f"flow-{mark_of(self.webhook())}"
