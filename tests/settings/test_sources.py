"""The section about senders that sign what they send."""

import pytest

from alertsvc.channels import CHANNELS
from alertsvc.engine.tuning import tuning_of
from alertsvc.ingest.signatures import GRAFANA_HEADER, MLFLOW_HEADER
from alertsvc.settings import ConfigError, load_text

LEAST = "route: {receiver: a}\nreceivers: [{name: a}]\n"


def load(sources):
    return load_text(f"{LEAST}sources: {sources}\n", "/etc/alertsvc/a.yaml", CHANNELS)


def test_without_a_secret_nothing_has_to_be_signed():
    assert load_text(LEAST, "a.yaml", CHANNELS).settings.sources.signing == {}


def test_the_secrets_are_found_beside_the_file_and_in_their_order():
    loaded = load("{mlflow: {secret_file: new, previous_secret_env: OLD}, grafana: {hmac_secret: s3cret}}")
    signing = tuning_of(loaded.settings).signing
    assert [each.place for each in signing["mlflow"].secrets] == ["file /etc/alertsvc/new", "env OLD"]
    assert (signing["mlflow"].header, signing["grafana"].header) == (MLFLOW_HEADER, GRAFANA_HEADER)
    assert signing["grafana"].timestamp_header is None
    assert loaded.inline_secrets == ("sources.grafana.hmac_secret",)
    assert "s3cret" not in repr(loaded.settings)


def test_headers_are_compared_in_any_case():
    grafana = load("{grafana: {hmac_secret: s, header: X-Mine, timestamp_header: X-Time}}").settings.sources.grafana
    assert (grafana.header, grafana.timestamp_header) == ("x-mine", "x-time")


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        pytest.param("{mlflow: {secret: ''}}", "empty secret", id="empty"),
        pytest.param("{mlflow: {secret: a, secret_file: b}}", "only one of", id="twice"),
        pytest.param("{mlflow: {previous_secret: a}}", "that follows it", id="only-the-previous-one"),
        pytest.param("{grafana: {previous_hmac_secret: a}}", "that follows it", id="grafana-only-the-previous-one"),
        pytest.param("{grafana: {header: 'a b'}}", "header", id="no-header"),
        pytest.param("{mlfow: {secret: a}}", "mlflow", id="a-slip"),
    ],
)
def test_a_mistake_is_named(sources, message):
    with pytest.raises(ConfigError, match=message):
        load(sources)
