"""E-mail over SMTP: one mail for each recipient, in one thread for each incident."""

from alertsvc.channels.email.channel import Email, open_email
from alertsvc.channels.email.config import EmailConfig, EmailGlobals
from alertsvc.channels.email.steps import Patience

__all__ = ["Email", "EmailConfig", "EmailGlobals", "Patience", "open_email"]
