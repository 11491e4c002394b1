"""Opens a Slack channel: decides by what is configured whether it is a webhook or an app."""

from alertsvc.channels.base import Channel, Tools
from alertsvc.channels.http import Patience
from alertsvc.channels.slack.app import SlackApp
from alertsvc.channels.slack.config import SlackConfig, SlackGlobals
from alertsvc.channels.slack.methods import POST, Methods
from alertsvc.channels.slack.webhook import SlackWebhook
from alertsvc.channels.slack.writer import Writer

METHODS = "https://slack.com/api"


def open_slack(config: SlackConfig, defaults: SlackGlobals, tools: Tools) -> Channel:
    """The channel for one entry of `slack_configs`. Nothing is sent yet.

    Raises:
        ValueError: The entry and the globals together give no way in, or one that lacks something.
    """
    url, token = config.webhook(), config.token()
    if url is None and token is None:
        url, token = defaults.slack_webhook(), defaults.slack_token()
    writer, patience = Writer(config, tools.render), Patience.within(config.timeout)
    if url is not None:
        if config.update_message:
            raise ValueError("update_message needs an app: give app_token here or slack_app_token under global")
        return SlackWebhook(url, writer, tools.http(concurrency=SlackWebhook.concurrency, patience=patience), patience)
    if token is None:
        raise ValueError("no way into Slack: give api_url or app_token here, or slack_api_url under global")
    if config.channel is None:
        raise ValueError("an app needs the channel to post to")
    where = (config.app_url or defaults.slack_app_url or METHODS).removesuffix(POST).rstrip("/")
    methods = Methods(where, token, tools.http(concurrency=SlackApp.concurrency, patience=patience))
    return SlackApp(methods, writer, patience, updates=config.update_message, replies=config.thread_replies)
