"""Where an alert says that people can look further."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from alertsvc.core.model import Link
from alertsvc.ingest.clean import MAX_URL_BYTES, clean_url

LINK_ANNOTATIONS = {"runbook_url": "Runbook", "dashboard_url": "Dashboard", "panel_url": "Panel"}
SOURCE_TITLE = "Source"
"""The link to the rule or query behind an alert, which Alertmanager calls generatorURL."""


def links_of(
    generator_url: str | None, annotations: Mapping[str, str], besides: Iterable[tuple[str, str]] = ()
) -> tuple[Link, ...]:
    """The links of an alert, each address once. `besides` are further ones, (title, address)."""
    links = _source_links(generator_url) if generator_url and len(generator_url) <= MAX_URL_BYTES else ()
    further = list(besides)
    if LINK_ANNOTATIONS.keys().isdisjoint(annotations) and not further:
        return links
    found = {link.url: link for link in links}
    offered = [(title, annotations.get(name)) for name, title in LINK_ANNOTATIONS.items()]
    for title, address in (*offered, *further):
        url = clean_url(address)
        if url:
            found.setdefault(url, Link(title, url))
    return tuple(found.values())


@lru_cache(maxsize=512)
def _source_links(address: str) -> tuple[Link, ...]:
    """Remembered, because all alerts of a rule, and all their repeats, come from one address."""
    url = clean_url(address)
    return (Link(SOURCE_TITLE, url),) if url else ()
