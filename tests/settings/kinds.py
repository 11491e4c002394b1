"""Channels for the tests of the configuration: small, and independent of those there are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from alertsvc.channels.base import ChannelConfig, one_secret
from alertsvc.settings.words import NotYet


def open_nothing(config, defaults, tools):
    if getattr(config, "channel", "") == "closed":
        raise ValueError(f"no way in: {config.api_url and config.api_url.get_secret_value()} {defaults.slack_api_url}")


@dataclass(frozen=True)
class FakeKind:
    config: type[ChannelConfig]
    globals: type[BaseModel] | None = None
    open: Callable[..., None] = open_nothing


class Printer(ChannelConfig):
    kind: ClassVar[str] = "console"

    def label(self) -> str:
        return "out"


class Tls(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ca_file: Path | None = None


class ChatGlobals(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    slack_api_url: SecretStr | None = None
    slack_api_url_file: Path | None = None


class Chat(ChannelConfig):
    kind: ClassVar[str] = "slack"

    channel: str
    api_url: SecretStr | None = None
    api_url_file: Path | None = None
    api_url_env: str | None = None
    update_message: bool = False
    retries: int = 3
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    tls: Tls = Tls()
    old_key: NotYet = None

    @model_validator(mode="after")
    def _once(self) -> Self:
        one_secret("api_url", self.api_url, self.api_url_file, self.api_url_env)
        if self.channel == "bad":
            raise ValueError(f"channel bad with {self.api_url.get_secret_value() if self.api_url else ''}")
        return self

    def label(self) -> str:
        return self.channel


class MailGlobals(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    smtp_smarthost: str | None = None
    smtp_auth_password: SecretStr | None = None


class Mail(ChannelConfig):
    kind: ClassVar[str] = "email"

    to: str

    def label(self) -> str:
        return self.to


KINDS = {
    "email": FakeKind(Mail, MailGlobals),
    "slack": FakeKind(Chat, ChatGlobals),
    "console": FakeKind(Printer),
}
