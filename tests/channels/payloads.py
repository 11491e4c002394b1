"""What each channel makes of a message, by the name of the channel."""

from collections.abc import Callable, Mapping

from alertsvc.channels.json_body import Json
from alertsvc.channels.message import DigestMessage, Message
from alertsvc.channels.msteams.card import teams_payload
from alertsvc.channels.pagerduty.event import Standing, digest_event, incident_event, storm_event, trial_event
from alertsvc.channels.slack.layout import plain_payload, reply_payload, slack_payload
from alertsvc.channels.slack.parts import Look
from alertsvc.channels.webhook.body import webhook_payload
from alertsvc.core.model import Reason
from tests.channels.scenes import DELIVERY, heading

LOOK = Look(mentions=("U0ANA", "S0MLOPS", "here"))


def slack(message: Message) -> Json:
    return slack_payload(message, heading(message), LOOK)


def slack_plain(message: Message) -> Json:
    return plain_payload(message, heading(message), LOOK)


def slack_reply(message: Message) -> Json:
    return reply_payload(message, heading(message), LOOK)


def msteams(message: Message) -> Json:
    return teams_payload(message, heading(message))


def pagerduty(message: Message) -> Json:
    if isinstance(message, DigestMessage) and message.storm:
        return storm_event(message, message.storm, heading(message), Standing())
    if isinstance(message, DigestMessage):
        return digest_event(message, heading(message), Standing())
    if message.reason is Reason.TEST:
        return trial_event(message, heading(message), Standing(), DELIVERY)
    return incident_event(message, heading(message), Standing())


def webhook(message: Message) -> Json:
    return webhook_payload(message, heading(message))


PAYLOADS: Mapping[str, Callable[[Message], Json]] = {
    "slack": slack,
    "msteams": msteams,
    "pagerduty": pagerduty,
    "webhook": webhook,
}
