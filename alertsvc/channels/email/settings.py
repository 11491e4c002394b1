"""What holds for one e-mail channel once its entry and the globals are read together."""

from dataclasses import dataclass

from alertsvc.channels.addresses import is_loopback
from alertsvc.channels.base import one_secret
from alertsvc.channels.email.addresses import Mailbox, mailbox, mailboxes
from alertsvc.channels.email.config import EmailConfig, EmailGlobals, TlsConfig, TlsMode, split_smarthost
from alertsvc.secret import Secret

IMPLICIT_TLS_PORT = 465


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in: `password` for PLAIN and LOGIN, `secret` for CRAM-MD5. `identity` is whom to act as, or empty."""

    username: str
    password: Secret | None
    secret: Secret | None
    identity: str


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that takes our mails, and how it is spoken to."""

    host: str
    port: int
    hello: str
    tls: TlsMode
    tls_config: TlsConfig
    login: Login | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """Everything one channel needs to know."""

    relay: Relay
    sender: Mailbox
    recipients: tuple[Mailbox, ...]
    headers: tuple[tuple[str, str], ...]
    stateful_subject: bool
    group_to: bool


def settings_of(config: EmailConfig, defaults: EmailGlobals) -> EmailSettings:
    """The entry `config` completed by the globals.

    Raises:
        ValueError: No server or no sender is given, or mail or a password would travel in the clear unasked.
    """
    smarthost, sender = config.smarthost or defaults.smtp_smarthost, config.sender or defaults.smtp_from
    if not smarthost:
        raise ValueError("no mail server: give smarthost here or smtp_smarthost under global")
    if not sender:
        raise ValueError("no sender: give from here or smtp_from under global")
    host, port = split_smarthost(smarthost)
    login, tls = _login(config, defaults), _tls_mode(config, defaults, port)
    if tls == "none":
        _check_clear(host, login, asked=_required(config, defaults) is False)
    tls_config = config.tls_config or defaults.smtp_tls_config or TlsConfig()
    return EmailSettings(
        relay=Relay(host, port, config.hello or defaults.smtp_hello, tls, tls_config, login),
        sender=mailbox(sender),
        recipients=mailboxes(config.to),
        headers=tuple(config.headers.items()),
        stateful_subject=config.subject_style == "stateful",
        group_to=config.group_to,
    )


def _required(config: EmailConfig, defaults: EmailGlobals) -> bool | None:
    """Whether TLS was asked for in Alertmanager's words: yes, no, or not said."""
    return config.require_tls if config.require_tls is not None else defaults.smtp_require_tls


def _tls_mode(config: EmailConfig, defaults: EmailGlobals, port: int) -> TlsMode:
    if config.tls is not None:
        if config.tls == "none" and _required(config, defaults):
            raise ValueError("tls: none and require_tls: true contradict each other")
        return config.tls
    forced = config.force_implicit_tls if config.force_implicit_tls is not None else defaults.smtp_force_implicit_tls
    if forced or (forced is None and port == IMPLICIT_TLS_PORT):
        return "implicit"
    return "none" if _required(config, defaults) is False else "starttls"


def _check_clear(host: str, login: Login | None, *, asked: bool) -> None:
    if is_loopback(host):
        return
    if not asked:
        raise ValueError(
            f"tls: none would send mail to {host} in the clear: say require_tls: false too, if you mean it"
        )
    if login is not None and login.password is not None:
        raise ValueError(f"the password would travel to {host} in the clear: use starttls or implicit TLS")


def _login(config: EmailConfig, defaults: EmailGlobals) -> Login | None:
    username = config.auth_username or defaults.smtp_auth_username
    if not username:
        return None
    password = _password(config) or _default_password(defaults)
    secret = _cram_secret(config) or _default_cram_secret(defaults)
    if password is None and secret is None:
        raise ValueError("auth_username needs auth_password (or auth_secret, for CRAM-MD5)")
    return Login(username, password, secret, config.auth_identity or defaults.smtp_auth_identity or "")


def _password(config: EmailConfig) -> Secret | None:
    return one_secret("auth_password", config.auth_password, config.auth_password_file, config.auth_password_env)


def _default_password(defaults: EmailGlobals) -> Secret | None:
    name = "smtp_auth_password"
    return one_secret(
        name, defaults.smtp_auth_password, defaults.smtp_auth_password_file, defaults.smtp_auth_password_env
    )


def _cram_secret(config: EmailConfig) -> Secret | None:
    return one_secret("auth_secret", config.auth_secret, config.auth_secret_file, config.auth_secret_env)


def _default_cram_secret(defaults: EmailGlobals) -> Secret | None:
    name = "smtp_auth_secret"
    return one_secret(name, defaults.smtp_auth_secret, defaults.smtp_auth_secret_file, defaults.smtp_auth_secret_env)
