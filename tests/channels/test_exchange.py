"""No answer may repeat what it was asked with."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertsvc.channels.exchange import Call, masked

TEAMS = (
    "https://prod.westeurope.logic.azure.com:443/workflows/0af1bc2d3e4f5a6b7c8d9e0f1a2b3c4d/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sig=Zm9vYmFy%2BYmF6_quux-0123456789"
)
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
BASIC = "https://robot:correct-horse@hooks.example.com/in"

REPEATED = [
    pytest.param(SLACK, f"POST {SLACK} failed", "XXXXXXXX", id="whole"),
    pytest.param(SLACK, "no route /services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "XXXXXXXX", id="path"),
    pytest.param(SLACK, "https:\\/\\/hooks.slack.com\\/services\\/" + SLACK[-24:], "XXXXXXXX", id="escaped-in-json"),
    pytest.param(TEAMS, "bad sig=Zm9vYmFy%2BYmF6_quux-0123456789", "quux", id="query"),
    pytest.param(TEAMS, "bad signature Zm9vYmFy+YmF6_quux-0123456789", "quux", id="query-decoded"),
    pytest.param(BASIC, "user robot, password correct-horse", "horse", id="password"),
]


@pytest.mark.parametrize(("url", "said", "secret"), REPEATED)
def test_no_part_of_an_address_that_is_a_credential_is_told(url, said, secret):
    assert secret not in masked(said, Call(url, b"", {}))


def test_other_secrets_of_a_call_are_not_told_either():
    call = Call("https://events.example.com/v2", b"", {}, ("R0UT1NGKEY", "xoxb-1"))
    assert masked("key R0UT1NGKEY, token xoxb-1", call) == "key <secret>, token <secret>"


def test_ordinary_words_stay():
    call = Call("https://events.example.com/v2/in?v=2", b"", {}, ("",))
    assert masked("version v2 is not in service", call) == "version v2 is not in service"


@given(st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_~+/=%", min_size=16, max_size=60), st.text(max_size=20))
def test_a_credential_in_a_query_is_never_told(secret, around):
    call = Call(f"https://x.example/hook?sig={quote(secret, safe='')}", b"", {})
    for form in (secret, quote(secret, safe="")):
        assert form not in masked(f"{around} {form} {around}", call)
