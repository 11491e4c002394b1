"""A flag beats a variable, and that beats the file."""

import pytest

from alertsvc.settings import ConfigError, load_text
from alertsvc.settings.environment import Override, overridden, with_environment
from tests.settings.kinds import KINDS

TEXT = """
server: {listen: ":1", external_url: "https://file.example.com", max_body_bytes: 2048}
database: {url_file: /run/secrets/database}
logging: {format: json, level: error}
route: {receiver: a}
receivers: [{name: a}]
"""
LOADED = load_text(TEXT, "alertsvc.yaml", KINDS)


def test_a_variable_beats_the_file_and_leaves_the_rest():
    settings = with_environment(
        LOADED,
        {
            "ALERTSVC_DATABASE_URL": "postgresql://me:hunter2@db/alerts",
            "ALERTSVC_LISTEN": "[::1]:9",
            "ALERTSVC_ROLE": "worker",
            "ALERTSVC_EXTERNAL_URL": "https://env.example.com/alerts/",
            "ALERTSVC_LOG_LEVEL": "debug",
            "ALERTSVC_LOG_FORMAT": "console",
            "ALERTSVC_OTHER": "ignored",
        },
    ).settings
    assert settings.database.secret.reveal() == "postgresql://me:hunter2@db/alerts"
    assert (settings.server.listen.host, settings.server.listen.port) == ("::1", 9)
    assert settings.server.external_url == "https://env.example.com/alerts"
    assert settings.server.role == "worker"
    assert (settings.logging.level, settings.logging.format) == ("debug", "console")
    assert settings.server.max_body_bytes == 2048


@pytest.mark.parametrize("environment", [{}, {"ALERTSVC_LISTEN": "", "ALERTSVC_DATABASE_URL": ""}])
def test_a_variable_that_is_empty_or_missing_says_nothing(environment):
    assert with_environment(LOADED, environment) == LOADED


def test_a_later_override_is_above_an_earlier_one():
    settings = overridden(
        LOADED.settings,
        [
            Override("server", "listen", ":2", "ALERTSVC_LISTEN"),
            Override("server", "listen", ":3", "--listen"),
        ],
    )
    assert settings.server.listen.port == 3


def test_wrong_values_are_all_named_and_not_shown():
    with pytest.raises(ConfigError) as caught:
        with_environment(
            LOADED,
            {
                "ALERTSVC_DATABASE_URL": "mysql://me:hunter2@db/alerts",
                "ALERTSVC_LISTEN": "everywhere",
                "ALERTSVC_ROLE": "leader",
                "ALERTSVC_LOG_LEVEL": "loud",
            },
        )
    assert str(caught.value).splitlines() == [
        "ALERTSVC_DATABASE_URL: a database is sqlite:///file.db or postgresql://user@host/name",
        "ALERTSVC_LISTEN: an address and a port are needed, such as 127.0.0.1:8080 or :8080",
        "ALERTSVC_LOG_LEVEL: must be 'debug', 'info', 'warning' or 'error'",
        "ALERTSVC_ROLE: must be 'all', 'api' or 'worker'",
    ]
