"""Messages that nobody would think of: any text anywhere, with the ones that forge or break things more often."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from alertsvc.channels.clean import web_link
from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, Message, Storm, StormClass
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.core.model import AlertState, IncidentStatus, Link, Reason, Severity

NASTY = [
    *("<!channel>", "<!here|x>", "<@U012AB>", "<!subteam^S012AB>", "<#C012AB|x>", "<https://evil.example|ok>"),
    *("<!date^0^{date}^https://evil.example|x>", "&lt;!channel&gt;", "&", "<", ">", "`", "*_~", "a|b>"),
    *(
        "](https://evil.example)",
        "[ok](https://evil.example)",
        "<at>Ana</at>",
        "{{DATE(2026-11-24T12:00:00Z)}}",
        "{{{{",
    ),
    *("\x00", "\u202egnp.exe", "\u2066", "\u2028\r\n", "\ud800", "\U0001f469\u200d\U0001f52c", "e\u0301" * 40, "\t"),
]
texts = st.text(max_size=60) | st.sampled_from(NASTY) | st.lists(st.sampled_from(NASTY), max_size=80).map("".join)
urls = texts | texts.map("https://ok.example/{}".format) | st.sampled_from(["javascript:alert(1)", "http://[", ""])
pairs = st.dictionaries(texts, texts, max_size=6)
links = st.lists(st.builds(Link, title=texts, url=urls), max_size=4).map(tuple)
alerts = st.builds(
    AlertLine,
    fingerprint=st.just("0"),
    name=texts,
    state=st.sampled_from(AlertState),
    severity=st.sampled_from(Severity),
    labels=pairs,
    annotations=pairs,
    starts_at=st.just(INCIDENT.opened_at),
    value=st.none() | st.floats(),
    threshold=st.none() | st.floats(),
    links=links,
)
incidents = st.builds(
    replace,
    st.sampled_from([INCIDENT, RESOLVED]),
    reason=st.sampled_from(Reason),
    status=st.sampled_from(IncidentStatus),
    severity=st.sampled_from(Severity),
    number=st.integers(1, 10**9),
    title=texts,
    summary=texts,
    description=texts,
    labels=pairs,
    alerts=st.lists(alerts, max_size=12).map(tuple),
    firing_count=st.integers(0, 10**6),
    comment=st.none() | texts,
    owner=st.none() | texts,
    receiver=texts,
    route=texts,
    acknowledged_by=st.none() | texts,
    resolved_by=st.none() | texts,
    links=links,
    runbook_url=st.none() | urls,
    incident_url=st.none() | urls,
    acknowledge_url=st.none() | urls,
)
items = st.builds(
    DigestItem,
    incident_id=st.just(INCIDENT.incident_id),
    number=st.integers(1, 10**9),
    title=texts,
    status=st.sampled_from(IncidentStatus),
    severity=st.sampled_from(Severity),
    opened_at=st.just(INCIDENT.opened_at),
    summary=texts,
    resolved_at=st.none() | st.just(DIGEST.window_end),
    acknowledged_by=st.none() | texts,
    firing_count=st.integers(0, 10**6),
    labels=pairs,
    incident_url=st.none() | urls,
)
storms = st.builds(
    Storm,
    id=st.just(DIGEST.digest_id),
    since=st.just(DIGEST.window_start),
    worst=st.sampled_from(Severity),
    classes=st.lists(st.builds(StormClass, texts, st.sampled_from(Severity), st.integers(1, 10**6)), max_size=8).map(
        tuple
    ),
    is_over=st.booleans(),
    incident_count=st.integers(0, 10**6),
    open_count=st.integers(0, 10**6),
)
digests = st.builds(
    replace,
    st.just(DIGEST),
    storm=st.none() | storms,
    name=texts,
    receiver=texts,
    items=st.lists(items, min_size=1, max_size=12).map(tuple),
    digest_url=st.none() | urls,
)
messages = incidents | digests


def addresses(message: Message) -> set[str]:
    """Every address that `message` may lead to."""
    urls: Iterable[str | None]
    if isinstance(message, DigestMessage):
        urls = [message.digest_url, *(item.incident_url for item in message.items)]
    else:
        links = [*message.links, *(link for alert in message.alerts for link in alert.links)]
        urls = [message.incident_url, message.acknowledge_url, message.runbook_url, *(link.url for link in links)]
    return {url for url in map(web_link, urls) if url}
