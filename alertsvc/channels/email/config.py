"""What an operator may say about e-mail: Alertmanager's `email_configs` and `smtp_*` globals, and a little more.

Source: https://prometheus.io/docs/alerting/latest/configuration/#email_config
"""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from alertsvc.channels.base import ChannelConfig, Crowd, one_secret
from alertsvc.channels.clean import header_text
from alertsvc.channels.email.addresses import mailbox, mailboxes

TlsMode = Literal["implicit", "starttls", "none"]
ALERTMANAGER_HTML = '{{ template "email.default.html" . }}'
"""What Alertmanager fills in for `html` by itself: as good as nothing."""
OUR_HEADERS = frozenset(
    {"auto-submitted", "bcc", "cc", "content-transfer-encoding", "content-type", "date", "from", "in-reply-to"}
    | {"list-id", "message-id", "mime-version", "references", "return-path", "sender", "subject", "to"}
)
_HELLO = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SMARTHOST = re.compile(rf"(?:\[([0-9A-Fa-f:.]+)\]|({_HOST.pattern})):([0-9]{{1,5}})")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")


def split_smarthost(text: str) -> tuple[str, int]:
    """Host and port of `smtp.example.com:587`; an IPv6 address stands in brackets.

    Raises:
        ValueError: It is not of that form.
    """
    found = _SMARTHOST.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise ValueError(f"{text!r} is not a host and a port, like smtp.example.com:587")
    return found[1] or found[2], int(found[3])


def _checked_smarthost(text: str) -> str:
    split_smarthost(text)
    return text


def _checked_sender(text: str) -> str:
    mailbox(text)
    return text


def _checked_recipients(text: str) -> str:
    mailboxes(text)
    return text


def _checked_hello(text: str) -> str:
    if not _HELLO.fullmatch(text):
        raise ValueError(f"{text!r} is not a host name to greet a mail server with")
    return text


def _checked_server_name(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of a server")
    return text


def _checked_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() == "subject":
            raise ValueError("a Subject is not carried over: title.txt.j2 words it, subject_style arranges it")
        if "{{" in value:
            raise ValueError(f"header {name}: Go templates are not carried over, only fixed texts are")
        if not _HEADER_NAME.fullmatch(name) or name.lower() in OUR_HEADERS:
            raise ValueError(f"header {name} cannot be set here")
        if not value.isascii() or header_text(value) != value:
            raise ValueError(f"header {name}: its value must be one short line of ASCII characters")
    return headers


def _no_go_template(text: str) -> str:
    if text != ALERTMANAGER_HTML:
        raise ValueError("Go templates are not carried over: put email.html.j2 or email.txt.j2 under `templates:`")
    return text


Smarthost = Annotated[str, AfterValidator(_checked_smarthost)]
Sender = Annotated[str, AfterValidator(_checked_sender)]
Recipients = Annotated[str, AfterValidator(_checked_recipients)]
Hello = Annotated[str, AfterValidator(_checked_hello)]
ServerName = Annotated[str, AfterValidator(_checked_server_name)]
FixedHeaders = Annotated[dict[str, str], AfterValidator(_checked_headers)]
NoTemplate = Annotated[str, AfterValidator(_no_go_template)]


class TlsConfig(BaseModel):
    """How the mail server proves who it is, and how we do. Files are read again for each connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: ServerName | None = None
    insecure_skip_verify: bool = False
    min_version: Literal["TLS12", "TLS13"] = "TLS12"

    @model_validator(mode="after")
    def _key_with_certificate(self) -> "TlsConfig":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        return self


class Threading(BaseModel):
    """Alertmanager's switch for threads. Here the mails of one incident are always one thread."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    thread_by_date: Literal["daily", "none"] = "none"


class EmailConfig(ChannelConfig):
    """One entry of `email_configs`. What it leaves out comes from the `smtp_*` globals."""

    kind: ClassVar[str] = "email"
    crowd: ClassVar[Crowd] = Crowd.MESSAGES

    to: Recipients
    sender: Sender | None = Field(default=None, alias="from")
    smarthost: Smarthost | None = None
    hello: Hello | None = None
    auth_username: str | None = None
    auth_password: SecretStr | None = None
    auth_password_file: Path | None = None
    auth_password_env: str | None = None
    auth_secret: SecretStr | None = None
    auth_secret_file: Path | None = None
    auth_secret_env: str | None = None
    auth_identity: str | None = None
    require_tls: bool | None = None
    force_implicit_tls: bool | None = None
    tls: TlsMode | None = None
    tls_config: TlsConfig | None = None
    headers: FixedHeaders = Field(default_factory=dict[str, str])
    html: NoTemplate | None = None
    text: NoTemplate | None = None
    threading: Threading = Threading()
    subject_style: Literal["stable", "stateful"] = "stable"
    group_to: bool = False

    @model_validator(mode="after")
    def _secrets_once(self) -> "EmailConfig":
        one_secret("auth_password", self.auth_password, self.auth_password_file, self.auth_password_env)
        one_secret("auth_secret", self.auth_secret, self.auth_secret_file, self.auth_secret_env)
        return self

    def label(self) -> str:
        return self.to


class EmailGlobals(BaseModel):
    """What all mails share unless an entry says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smtp_smarthost: Smarthost | None = None
    smtp_from: Sender | None = None
    smtp_hello: Hello = "localhost"
    smtp_auth_username: str | None = None
    smtp_auth_password: SecretStr | None = None
    smtp_auth_password_file: Path | None = None
    smtp_auth_password_env: str | None = None
    smtp_auth_secret: SecretStr | None = None
    smtp_auth_secret_file: Path | None = None
    smtp_auth_secret_env: str | None = None
    smtp_auth_identity: str | None = None
    smtp_require_tls: bool | None = None
    smtp_force_implicit_tls: bool | None = None
    smtp_tls_config: TlsConfig | None = None

    @model_validator(mode="after")
    def _smtp_secrets_once(self) -> "EmailGlobals":
        one_secret(
            "smtp_auth_password", self.smtp_auth_password, self.smtp_auth_password_file, self.smtp_auth_password_env
        )
        one_secret("smtp_auth_secret", self.smtp_auth_secret, self.smtp_auth_secret_file, self.smtp_auth_secret_env)
        return self
