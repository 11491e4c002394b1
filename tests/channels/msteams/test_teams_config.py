"""What an operator may say about Teams."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from alertsvc.channels.msteams import TeamsConfig
from alertsvc.core.model import Reason

FLOW = "https://x.environment.api.powerplatform.com:443/powerautomate/workflows/abc/triggers/manual?sig=secretsecret"


def config(**said_of_it):
    return TeamsConfig.model_validate(said_of_it)


def test_a_block_pasted_from_alertmanager_works_as_it_is():
    pasted = {
        "title": '{{ template "msteamsv2.default.title" . }}',
        "text": '{{ template "msteamsv2.default.text" . }}',
    }
    entry = config(send_resolved=True, webhook_url=FLOW, **pasted)
    assert (entry.title, entry.text) == (None, None)


@pytest.mark.parametrize(
    ("entry", "said_why"),
    [
        pytest.param({}, "one of webhook_url", id="no-url"),
        pytest.param({"webhook_url": "ftp://x"}, "begins with https", id="no-web-address"),
        pytest.param({"webhook_url": FLOW, "title": "{{ .Status }}"}, "Go templates", id="go-template"),
        pytest.param({"webhook_url": FLOW, "timeout": "2m"}, "between 100ms and 1m", id="too-patient"),
        pytest.param(
            {"webhook_url": FLOW, "mentions": [{"id": "a", "name": "A</at>"}]}, "mentions.0.name", id="markup"
        ),
        pytest.param({"webhook_url": FLOW, "mentions": [{"id": "a", "name": "[A](x)"}]}, "mentions.0.name", id="link"),
        pytest.param(
            {"webhook_url": FLOW, "mentions": [{"id": "a", "name": "{{DATE()"}]}, "mentions.0.name", id="date"
        ),
        pytest.param({"webhook_url": FLOW, "mentions": [{"id": "a b", "name": "A"}]}, "mentions.0.id", id="no-id"),
        pytest.param({"webhook_url": FLOW, "mentions": [{"id": "a", "name": "A"}] * 6}, "at most 5", id="too-many"),
        pytest.param({"webhook_url": FLOW, "channel": "#a"}, "channel", id="unknown-key"),
    ],
)
def test_a_mistake_is_refused(entry, said_why):
    with pytest.raises(ValidationError) as caught:
        config(**entry)
    assert said_why in str(caught.value)


def test_a_person_is_called_by_an_id_and_a_name():
    entry = config(
        webhook_url=FLOW, mentions=[{"id": "ana.o'neil@example.com", "name": "Ana Müller-O'Neil"}], timeout="10s"
    )
    assert entry.mentions[0].name == "Ana Müller-O'Neil"
    assert entry.timeout == timedelta(seconds=10)


def test_a_flow_hears_what_fires_and_what_ends():
    assert Reason.RESOLVED in config(webhook_url=FLOW).hears()
    assert Reason.RESOLVED not in config(webhook_url=FLOW, send_resolved=False).hears()
    assert Reason.ACKNOWLEDGED not in config(webhook_url=FLOW).hears()


def test_a_label_tells_flows_apart():
    assert config(webhook_url=FLOW).label() != config(webhook_url=FLOW + "2").label()
    assert config(webhook_url_file="/run/teams").label().startswith("flow-")
