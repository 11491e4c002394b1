"""One incident as the API shows it, with what may be its cause."""

from datetime import datetime

from sqlmodel import SQLModel

from alertsvc.core.deployments import said_before
from alertsvc.core.incidents import Incident
from alertsvc.engine.backdrop import Backdrop
from alertsvc.web.views import IncidentView


class BackdropView(SQLModel):
    """The latest change of what is in use of an incident's model in the seven days before it began."""

    model_version: str | None
    alias: str | None
    environment: str | None
    happened_at: datetime
    seconds_before: float
    said: str

    @classmethod
    def of(cls, found: Backdrop) -> "BackdropView":
        """The view of a deployment before an incident."""
        made = found.made
        return cls(
            model_version=made.model_version,
            alias=made.alias,
            environment=made.environment,
            happened_at=made.happened_at,
            seconds_before=(found.began_at - made.happened_at).total_seconds(),
            said=said_before(made, found.began_at),
        )


class IncidentDetailView(IncidentView):
    """An incident, and what may be its cause. The `version` does not count `deployment`, which may be told later."""

    deployment: BackdropView | None = None

    @classmethod
    def about(cls, incident: Incident, found: Backdrop | None) -> "IncidentDetailView":
        """The view of an incident and what was deployed before it."""
        deployment = None if found is None else BackdropView.of(found)
        return cls(**IncidentView.of(incident).model_dump(), deployment=deployment)
