"""The section about senders that sign what they send."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from alertsvc.channels.base import one_secret
from alertsvc.ingest.signatures import GRAFANA_HEADER, MLFLOW_HEADER, Signing
from alertsvc.secret import Secret
from alertsvc.settings.process import Section


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("an empty secret is known to everybody")
    return secret


SharedSecret = Annotated[SecretStr, AfterValidator(_not_empty)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"), AfterValidator(str.lower)]


def _in_turn(name: str, present: Secret | None, previous: Secret | None) -> tuple[Secret, ...]:
    if previous is not None and present is None:
        raise ValueError(f"previous_{name} needs a {name} that follows it")
    return tuple(secret for secret in (present, previous) if secret is not None)


class MlflowSource(Section):
    """What MLflow's webhooks are signed with. `previous_secret` is taken too while they change to the new one."""

    secret: SharedSecret | None = None
    secret_file: Path | None = None
    secret_env: str | None = None
    previous_secret: SharedSecret | None = None
    previous_secret_file: Path | None = None
    previous_secret_env: str | None = None

    @property
    def signing(self) -> Signing | None:
        """How requests are signed; None: they need not be."""
        present = one_secret("secret", self.secret, self.secret_file, self.secret_env)
        previous = one_secret(
            "previous_secret", self.previous_secret, self.previous_secret_file, self.previous_secret_env
        )
        secrets = _in_turn("secret", present, previous)
        return Signing(secrets, MLFLOW_HEADER) if secrets else None

    @model_validator(mode="after")
    def _consistent(self) -> "MlflowSource":
        _ = self.signing
        return self


class GrafanaSource(Section):
    """What Grafana's contact point signs with (HMAC), and the headers it was told to use.

    Without a `timestamp_header` the time is not signed, and a copy of a request is good for ever.
    """

    hmac_secret: SharedSecret | None = None
    hmac_secret_file: Path | None = None
    hmac_secret_env: str | None = None
    previous_hmac_secret: SharedSecret | None = None
    previous_hmac_secret_file: Path | None = None
    previous_hmac_secret_env: str | None = None
    header: HeaderName = GRAFANA_HEADER
    timestamp_header: HeaderName | None = None

    @property
    def signing(self) -> Signing | None:
        """How requests are signed; None: they need not be."""
        present = one_secret("hmac_secret", self.hmac_secret, self.hmac_secret_file, self.hmac_secret_env)
        previous = one_secret(
            "previous_hmac_secret",
            self.previous_hmac_secret,
            self.previous_hmac_secret_file,
            self.previous_hmac_secret_env,
        )
        secrets = _in_turn("hmac_secret", present, previous)
        return Signing(secrets, self.header, self.timestamp_header) if secrets else None

    @model_validator(mode="after")
    def _consistent(self) -> "GrafanaSource":
        _ = self.signing
        return self


class SourcesSection(Section):
    """Tools that sign what they send. With a secret, what is not signed with it is refused, and needs no token."""

    mlflow: MlflowSource = MlflowSource()
    grafana: GrafanaSource = GrafanaSource()

    @property
    def signing(self) -> dict[str, Signing]:
        """How the requests of each source are signed; those that need not be are not among them."""
        found = (("mlflow", self.mlflow.signing), ("grafana", self.grafana.signing))
        return {name: signing for name, signing in found if signing is not None}
