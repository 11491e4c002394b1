"""What an operator may say about Slack: Alertmanager's `slack_configs` and `slack_*` globals, and a little more.

Source: https://prometheus.io/docs/alerting/latest/configuration/#slack_config
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from alertsvc.channels.base import ChannelConfig, Crowd, mark_of, one_secret
from alertsvc.channels.fields import Constant, NoActions, NoCounterpart, SecretWebAddress, Timeout, WebAddress
from alertsvc.core.model import Reason
from alertsvc.secret import Secret

Mention = Annotated[str, StringConstraints(pattern=r"^([UWS][A-Z0-9]{2,20}|here|channel)$")]
"""A user (U, W) or user group (S) by its id, or `here` or `channel`. Names do not work, and are not guessed."""
SeverityWord = Literal["info", "warning", "error", "critical"]
MAX_MENTIONS = 20
BOTH = "give a webhook (api_url) or an app (app_token), not both"


class SlackConfig(ChannelConfig):
    """One entry of `slack_configs`. What it leaves out comes from the `slack_*` globals."""

    kind: ClassVar[str] = "slack"
    crowd: ClassVar[Crowd] = Crowd.MESSAGES

    api_url: SecretWebAddress | None = None
    api_url_file: Path | None = None
    api_url_env: str | None = None
    app_token: SecretStr | None = None
    app_token_file: Path | None = None
    app_token_env: str | None = None
    app_url: WebAddress | None = None
    channel: Constant = None
    update_message: bool = False
    thread_replies: bool = True
    mentions: Annotated[tuple[Mention, ...], Field(max_length=MAX_MENTIONS)] = ()
    mention_from: SeverityWord = "info"
    username: Constant = None
    icon_emoji: Constant = None
    icon_url: Constant = None
    title: Constant = None
    text: Constant = None
    pretext: Constant = None
    footer: Constant = None
    timeout: Timeout | None = None

    color: NoCounterpart = None
    title_link: NoCounterpart = None
    message_text: NoCounterpart = None
    fallback: NoCounterpart = None
    callback_id: NoCounterpart = None
    image_url: NoCounterpart = None
    thumb_url: NoCounterpart = None
    fields: NoCounterpart = None
    short_fields: NoCounterpart = None
    link_names: NoCounterpart = None
    mrkdwn_in: NoCounterpart = None
    actions: NoActions = None

    @model_validator(mode="after")
    def _one_way_in(self) -> "SlackConfig":
        webhook, token = self.webhook(), self.token()
        if webhook and token:
            raise ValueError(BOTH)
        if webhook and self.update_message:
            raise ValueError("update_message needs an app (app_token): what came through a webhook cannot be changed")
        if token and not self.channel:
            raise ValueError("an app needs the channel to post to")
        return self

    def webhook(self) -> Secret | None:
        """The URL of the incoming webhook."""
        return one_secret("api_url", self.api_url, self.api_url_file, self.api_url_env)

    def token(self) -> Secret | None:
        """The bot token of the app."""
        return one_secret("app_token", self.app_token, self.app_token_file, self.app_token_env)

    def label(self) -> str:
        secret = self.webhook() or self.token()
        return self.channel or (f"webhook-{mark_of(secret)}" if secret else "default")

    def hears(self) -> frozenset[Reason]:
        heard = super().hears()
        if self.update_message or self.token():
            return heard | {Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED}
        return heard


class SlackGlobals(BaseModel):
    """What all Slack channels share unless an entry says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slack_api_url: SecretWebAddress | None = None
    slack_api_url_file: Path | None = None
    slack_api_url_env: str | None = None
    slack_app_token: SecretStr | None = None
    slack_app_token_file: Path | None = None
    slack_app_token_env: str | None = None
    slack_app_url: WebAddress | None = None

    @model_validator(mode="after")
    def _one_default(self) -> "SlackGlobals":
        if self.slack_webhook() and self.slack_token():
            raise ValueError(f"under global too: {BOTH.replace('api_url', 'slack_api_url')}")
        return self

    def slack_webhook(self) -> Secret | None:
        """The URL of the incoming webhook of all entries that have none."""
        return one_secret("slack_api_url", self.slack_api_url, self.slack_api_url_file, self.slack_api_url_env)

    def slack_token(self) -> Secret | None:
        """The bot token of all entries that have none."""
        return one_secret("slack_app_token", self.slack_app_token, self.slack_app_token_file, self.slack_app_token_env)
