"""Anybody's own service, through a signed webhook."""

from alertsvc.channels.webhook.channel import open_webhook
from alertsvc.channels.webhook.config import WebhookConfig

__all__ = ["WebhookConfig", "open_webhook"]
