"""What an operator may say about a webhook: Alertmanager's `webhook_configs`, and a signature on top.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from alertsvc.channels.addresses import is_loopback
from alertsvc.channels.base import ChannelConfig, Crowd, mark_of, one_secret
from alertsvc.channels.fields import NoCounterpart, SecretWebAddress, Timeout
from alertsvc.channels.webhook.signing import signing_key
from alertsvc.core.model import Reason
from alertsvc.secret import Secret


def _checked(secret: SecretStr) -> SecretStr:
    signing_key(secret.get_secret_value().strip())
    return secret


SigningSecret = Annotated[SecretStr, AfterValidator(_checked)]


class WebhookConfig(ChannelConfig):
    """One entry of `webhook_configs`. `previous_hmac_secret` also signs while the receiver changes to the new one."""

    kind: ClassVar[str] = "webhook"
    crowd: ClassVar[Crowd] = Crowd.PAGES

    url: SecretWebAddress | None = None
    url_file: Path | None = None
    url_env: str | None = None
    hmac_secret: SigningSecret | None = None
    hmac_secret_file: Path | None = None
    hmac_secret_env: str | None = None
    previous_hmac_secret: SigningSecret | None = None
    previous_hmac_secret_file: Path | None = None
    previous_hmac_secret_env: str | None = None
    max_alerts: int = Field(default=0, ge=0)
    timeout: Timeout = timedelta(seconds=15)
    payload: NoCounterpart = None

    @model_validator(mode="after")
    def _consistent(self) -> "WebhookConfig":
        self.address()
        secrets = self.secrets()
        if self.previous_secret() is not None and len(secrets) == 1:
            raise ValueError("previous_hmac_secret needs an hmac_secret that follows it")
        return self

    def address(self) -> Secret:
        """The URL.

        Raises:
            ValueError: None is given, or more than one.
        """
        found = one_secret("url", self.url, self.url_file, self.url_env)
        if found is None:
            raise ValueError("one of url, url_file and url_env is needed")
        return found

    def secrets(self) -> tuple[Secret, ...]:
        """What the calls are signed with: the present secret first, then the previous one."""
        present = one_secret("hmac_secret", self.hmac_secret, self.hmac_secret_file, self.hmac_secret_env)
        return tuple(secret for secret in (present, self.previous_secret()) if secret is not None)

    def previous_secret(self) -> Secret | None:
        """The secret that is being replaced."""
        name = "previous_hmac_secret"
        return one_secret(
            name, self.previous_hmac_secret, self.previous_hmac_secret_file, self.previous_hmac_secret_env
        )

    def label(self) -> str:
        host = "url" if self.url is None else urlsplit(self.url.get_secret_value().strip()).hostname
        return f"{host}-{mark_of(self.address())}"

    def doubts(self) -> Mapping[str, str]:
        address = urlsplit(self.url.get_secret_value().strip()) if self.url else None
        if address is None or address.scheme != "http" or self.secrets() or is_loopback(address.hostname or ""):
            return {}
        told = "on its way anybody can change what it says: use https, or sign it with hmac_secret_file"
        return {"url": f"this goes over plain http to another machine, unsigned; {told}"}

    def hears(self) -> frozenset[Reason]:
        return super().hears() | {Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED}
