"""Microsoft Teams, through the URL of a flow (Workflows)."""

from alertsvc.channels.msteams.channel import open_msteams
from alertsvc.channels.msteams.config import TeamsConfig

__all__ = ["TeamsConfig", "open_msteams"]
