"""The schema for editors: the shipped one is current, takes what the service takes, and refuses slips."""

import json
import warnings
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from alertsvc.channels import CHANNELS
from alertsvc.cli import main
from alertsvc.core.durations import parse_duration, write_duration
from alertsvc.resources import data_dir
from alertsvc.settings.compose import compose
from alertsvc.settings.schema import config_schema

CONFIG = data_dir("config")
SCHEMA = json.loads((CONFIG / "alertsvc.schema.json").read_text())
SMALL = "route: {receiver: a}\nreceivers: [{name: a}]\n"
EXAMPLES = [CONFIG / "alertsvc.yaml", CONFIG / "alertsvc.full.yaml", Path(__file__).parent / "golden" / "design.yaml"]


def mistakes(text):
    document, _ = compose(text)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [".".join(str(part) for part in error.absolute_path) for error in validator.iter_errors(document.tree)]


def test_the_shipped_schema_is_what_the_command_prints():
    with warnings.catch_warnings(action="error"):
        printed = CliRunner().invoke(main, ["config", "schema"])
    assert (printed.exit_code, printed.stdout) == (0, (CONFIG / "alertsvc.schema.json").read_text())


def test_it_is_a_schema_of_2020_12():
    jsonschema.Draft202012Validator.check_schema(config_schema(CHANNELS))
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_valid(path):
    assert mistakes(path.read_text()) == []


@pytest.mark.parametrize("path", EXAMPLES[:2], ids=lambda path: path.name)
def test_the_shipped_files_tell_editors_where_it_is(path):
    assert path.read_text().startswith("# yaml-language-server: $schema=./alertsvc.schema.json\n")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("route: {receiver: a}\n", "", id="no-receivers"),
        pytest.param(f"{SMALL}roote: 1\n", "", id="unknown-section"),
        pytest.param(SMALL.replace("receiver: a", "receiver: a, matchres: []"), "route", id="unknown-key"),
        pytest.param(SMALL.replace("receiver: a", "receiver: a, group_wait: soon"), "route.group_wait", id="duration"),
        pytest.param(SMALL.replace("receiver: a", "receiver: a, group_wait: ''"), "route.group_wait", id="no-duration"),
        pytest.param(SMALL.replace("receiver: a", "receiver: a, deliver: soon"), "route.deliver", id="deliver"),
        pytest.param(SMALL.replace("receiver: a", "receiver: a, continue: yes"), "route.continue", id="old-word"),
        pytest.param(SMALL.replace("receiver: a", "receiver: a, matchers: [team]"), "route.matchers.0", id="matcher"),
        pytest.param(f"{SMALL}server: {{listen: here}}\n", "server.listen", id="listen"),
        pytest.param(f"{SMALL}server: {{external_url: here}}\n", "server.external_url", id="url"),
        pytest.param(f"{SMALL}severities: {{default: bad}}\n", "severities.default", id="severity"),
        pytest.param(
            SMALL.replace("{name: a}", "{name: a, email_configs: [{}]}"), "receivers.0.email_configs.0", id="to"
        ),
    ],
)
def test_a_slip_is_marked(text, place):
    assert place in mistakes(text)


def test_a_zero_without_a_unit_is_a_duration():
    assert mistakes(SMALL.replace("receiver: a", "receiver: a, group_wait: 0")) == []


@pytest.mark.parametrize("text", ["400d", "1h30m", "500ms", "0s", "1m5s250ms"])
def test_a_duration_is_written_as_it_is_read(text):
    assert write_duration(parse_duration(text)) == text
    assert write_duration(timedelta(days=1, hours=2)) == "1d2h"
