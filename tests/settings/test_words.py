import re

import pytest
from pydantic import TypeAdapter, ValidationError

from alertsvc.settings.words import BaseUrl, Listen, Name, ReceiverName, TimeZone, WebUrl, parse_listen


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        pytest.param("127.0.0.1:8080", Listen("127.0.0.1", 8080), id="address"),
        pytest.param("localhost:1", Listen("localhost", 1), id="name"),
        pytest.param(":8080", Listen("", 8080), id="every-interface"),
        pytest.param("[::1]:8080", Listen("::1", 8080), id="ipv6"),
        pytest.param("0.0.0.0:0", Listen("0.0.0.0", 0), id="a-free-port"),
    ],
)
def test_where_to_listen_is_read_and_reads_back(text, listen):
    assert parse_listen(text) == listen
    assert str(listen) == text


@pytest.mark.parametrize(
    "text",
    ["", "8080", "localhost", "localhost:", "::1:8080", "[::1]", "a:65536", "a:-1", "a:٣", "a b:1", "[a]:1:2", "a/b:1"],
)
def test_what_is_no_address_to_listen_on_is_refused(text):
    with pytest.raises(
        ValueError, match=re.escape("an address and a port are needed, such as 127.0.0.1:8080 or :8080")
    ):
        parse_listen(text)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        pytest.param(Name, "fraud", "", id="name-empty"),
        pytest.param(Name, "fraud 2.0_x-y:z", "a/b", id="name-slash"),
        pytest.param(Name, "überwachung", "a[0]", id="name-brackets"),
        pytest.param(Name, "a" * 100, "a" * 101, id="name-long"),
        pytest.param(Name, "a b", "a b ", id="name-space-at-the-end"),
        pytest.param(ReceiverName, "team/ml & co", " ", id="receiver-blank"),
        pytest.param(ReceiverName, "x" * 200, "a\nb", id="receiver-line-break"),
        pytest.param(TimeZone, "Europe/Lisbon", "Europe", id="zone-folder"),
        pytest.param(TimeZone, "UTC", "Local", id="zone-local"),
        pytest.param(TimeZone, "Etc/GMT+5", "/etc/passwd", id="zone-path"),
        pytest.param(TimeZone, "Asia/Kolkata", "x\x00y", id="zone-nul"),
        pytest.param(WebUrl, "https://wiki.example.com/a?b#c", "javascript:alert(1)", id="url-scheme"),
        pytest.param(WebUrl, "http://[::1]:8080/", "https://me:secret@example.com", id="url-with-user"),
        pytest.param(WebUrl, "https://example.com", "https://", id="url-without-host"),
        pytest.param(WebUrl, "https://example.com:8443", "https://example.com:port", id="url-port"),
        pytest.param(WebUrl, "https://example.com/%20", "https://example.com/a b", id="url-space"),
        pytest.param(BaseUrl, "https://example.com/alerts", "https://example.com/?a", id="base-url-query"),
    ],
)
def test_a_word_is_of_its_kind_or_refused(kind, good, bad):
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(good) == good
    with pytest.raises(ValidationError):
        adapter.validate_python(bad)


def test_a_base_url_has_no_slash_at_its_end():
    assert TypeAdapter(BaseUrl).validate_python("https://example.com/alerts/") == "https://example.com/alerts"
