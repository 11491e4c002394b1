"""Slack: through an incoming webhook, or as an app that keeps one message of an incident up to date."""

from alertsvc.channels.slack.config import SlackConfig, SlackGlobals
from alertsvc.channels.slack.opening import open_slack

__all__ = ["SlackConfig", "SlackGlobals", "open_slack"]
