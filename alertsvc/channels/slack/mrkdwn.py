"""Slack's text format: what is ours is markup, what is not cannot become any.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

from datetime import datetime

from alertsvc.channels.clean import clean_line, clean_text, cut, web_link
from alertsvc.channels.wording import moment

ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
"""Without these three no mention, no link and no date can be forged."""
MAX_LINK_CHARS = 1000
_ESCAPING = str.maketrans(ESCAPES)


def escaped(text: str, limit: int) -> str:
    """`text` as literal characters, at most `limit` of them once escaped; never cut inside an escape."""
    return _fitted(clean_text(text, limit), limit).translate(_ESCAPING)


def escaped_line(text: str, limit: int) -> str:
    """The same on one line."""
    return _fitted(clean_line(text, limit), limit).translate(_ESCAPING)


def code(text: str, limit: int) -> str:
    """`text` in a monospaced box, where nothing is formatted."""
    return f"`{escaped_line(text.replace('`', ' '), limit) or ' '}`"


def link(label: str, url: str | None) -> str:
    """The escaped `label`, leading to `url` when that is a plain web address of decent length."""
    target = (web_link(url) or "").translate(_ESCAPING)
    return f"<{target}|{label}>" if 0 < len(target) <= MAX_LINK_CHARS else label


def date(instant: datetime) -> str:
    """`instant` in the reader's own time zone, or in UTC where it cannot be told."""
    fallback = moment(instant)
    if instant.timestamp() < 0:
        return fallback
    return f"<!date^{int(instant.timestamp())}^{{date_short}} {{time}}|{fallback}>"


def mention(target: str) -> str:
    """The call for a configured id or keyword."""
    if target in {"here", "channel"}:
        return f"<!{target}>"
    return f"<!subteam^{target}>" if target.startswith("S") else f"<@{target}>"


def _fitted(text: str, limit: int) -> str:
    """As much of `text` as has room once it is escaped, with an ellipsis for the rest."""
    length, kept = 0, 0
    for char in text:
        length += len(ESCAPES.get(char, char))
        if length > limit:
            return cut(text + " ", kept + 1)
        kept += length < limit  # one place stays free for the ellipsis
    return text
