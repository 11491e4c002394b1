"""Mail through a real server: who gets it, who does not, and what is tried again."""

import asyncio
from dataclasses import replace

import pytest

from alertsvc.channels.email import Patience
from alertsvc.channels.email.conversation import MAILS_PER_CONNECTION
from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry, Unknown
from alertsvc.channels.samples import DIGEST, INCIDENT
from tests.channels.email.conftest import envelope, mailing
from tests.smtp_server import Trap

THREE = "ana@example.org, ben@example.org, eva@example.org"
NOBODY = "550 5.1.1 no such user"
LATER = "451 4.7.1 greylisted, come back later"


async def test_each_recipient_gets_a_mail_of_their_own(start):
    server = start()
    async with mailing(server, to=THREE) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Accepted)
    assert outcome.detail == "250 2.0.0 kept as 00001 (3 recipients)"
    mails = server.received()
    assert [mail.recipients for mail in mails] == [["ana@example.org"], ["ben@example.org"], ["eva@example.org"]]
    assert [mail.parsed()["To"] for mail in mails] == ["ana@example.org", "ben@example.org", "eva@example.org"]
    assert {mail.sender for mail in mails} == {"alerts@example.com"}
    assert len({mail.parsed()["Message-ID"] for mail in mails}) == 1


async def test_a_group_gets_one_mail_that_names_everybody(start):
    server = start()
    async with mailing(server, to=THREE, group_to=True) as channel:
        await channel.send(INCIDENT, envelope())
    [mail] = server.received()
    assert mail.recipients == ["ana@example.org", "ben@example.org", "eva@example.org"]
    assert mail.parsed()["To"] == THREE


@pytest.mark.parametrize("group_to", [False, True], ids=["one-by-one", "group"])
async def test_a_refused_recipient_is_named_and_keeps_nobody_from_the_mail(start, group_to):
    server = start(answers={"ben@example.org": [NOBODY]})
    async with mailing(server, to=THREE, group_to=group_to) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Accepted)
    assert "refused for ben@example.org (550 5.1.1 no such user)" in outcome.detail
    assert [name for mail in server.received() for name in mail.recipients] == ["ana@example.org", "eva@example.org"]


@pytest.mark.parametrize("group_to", [False, True], ids=["one-by-one", "group"])
async def test_only_who_was_put_off_is_tried_again(start, group_to):
    server = start(answers={"ben@example.org": [LATER, "250 fine"], "eva@example.org": [NOBODY]})
    async with mailing(server, to=THREE, group_to=group_to) as channel:
        first = await channel.send(INCIDENT, envelope())
        assert isinstance(first, Retry)
        assert (first.fault, first.status_code, first.whole_destination) == (Fault.SERVER_ERROR, 451, False)
        assert first.detail.startswith("not yet taken for ben@example.org (451 4.7.1 greylisted, come back later); ")
        assert first.progress == {
            "ana@example.org": "250 2.0.0 kept as 00001",
            "eva@example.org": NOBODY,
        }
        second = await channel.send(INCIDENT, envelope(attempt=2, progress=first.progress))
    assert isinstance(second, Accepted)
    assert "refused for eva@example.org (550 5.1.1 no such user)" in second.detail
    assert [mail.recipients for mail in server.received()] == [["ana@example.org"], ["ben@example.org"]]
    ids = {mail.parsed()["Message-ID"] for mail in server.received()}
    assert len(ids) == 1


async def test_when_everybody_is_refused_it_is_rejected(start):
    server = start(answers={"ana@example.org": [NOBODY], "ben@example.org": ["554 5.7.1 not wanted here"]})
    async with mailing(server, to="ana@example.org, ben@example.org") as channel:
        outcome = await channel.send(INCIDENT, envelope())
    said = "refused for ana@example.org (550 5.1.1 no such user), ben@example.org (554 5.7.1 not wanted here)"
    assert outcome == Rejected(Fault.CLIENT_ERROR, said, 550)


async def test_when_some_are_refused_and_some_put_off_the_latter_are_tried_again(start):
    server = start(answers={"ana@example.org": [NOBODY], "ben@example.org": [LATER]})
    async with mailing(server, to="ana@example.org, ben@example.org") as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Retry)
    assert outcome.progress == {"ana@example.org": NOBODY}


async def test_a_recipient_who_left_the_configuration_is_forgotten(start):
    server = start()
    progress = {"gone@example.org": "250 taken", "odd": "what is this"}
    async with mailing(server, to="ana@example.org, ben@example.org") as channel:
        outcome = await channel.send(INCIDENT, envelope(attempt=2, progress=progress))
    assert isinstance(outcome, Accepted)
    assert "gone" not in outcome.detail
    assert len(server.received()) == 2


async def test_a_line_dropped_after_the_end_leaves_open_who_has_it(start):
    server = start(traps={"dot": Trap(drop=True, spare=1)})
    async with mailing(server, to=THREE) as channel:
        outcome = await channel.send(INCIDENT, envelope())
        assert isinstance(outcome, Unknown)
        assert outcome.fault is Fault.NETWORK
        assert outcome.detail.startswith("end of the message: ")
        assert outcome.progress == {"ana@example.org": "250 2.0.0 kept as 00001"}
        assert len(server.received()) == 2  # this one took the second, and we cannot know


async def test_a_mail_too_large_for_the_server_goes_in_a_short_form(start):
    server = start(size_limit=6000)
    async with mailing(server, to=THREE) as channel:
        outcome = await channel.send(replace(INCIDENT, description="long " * 400), envelope())
    assert isinstance(outcome, Accepted)
    for mail in server.received():
        parsed = mail.parsed()
        assert parsed.get_content_type() == "text/plain"
        assert "DataDriftDetected 0.414 (> 0.25)" in parsed.get_content()
    assert len(server.received()) == 3


@pytest.mark.parametrize("stage", ["MAIL", "dot"])
async def test_a_mail_too_large_even_in_its_short_form_is_rejected(start, stage):
    server = start(traps={stage: Trap(say="552 5.3.4 message size exceeds fixed limit")})
    async with mailing(server) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Rejected)
    assert (outcome.fault, outcome.status_code) == (Fault.TOO_LARGE, 552)
    assert "5.3.4 message size exceeds fixed limit" in outcome.detail


async def test_a_full_mailbox_is_no_reason_to_shorten(start):
    server = start(answers={"ana@example.org": ["552 5.2.2 mailbox full"]})
    async with mailing(server) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Rejected)
    assert outcome.fault is Fault.CLIENT_ERROR


async def test_a_burst_shares_one_connection(start):
    server = start()
    async with mailing(server, to=THREE) as channel:
        for _ in range(3):
            await channel.send(INCIDENT, envelope())
        await channel.send(DIGEST, envelope())
    assert {mail.connection for mail in server.received()} == {1}
    assert len(server.received()) == 12


async def test_a_connection_is_not_used_for_ever(start):
    server = start()
    to = ", ".join(f"p{number}@example.org" for number in range(MAILS_PER_CONNECTION + 1))
    async with mailing(server, to=to) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
    assert [mail.connection for mail in server.received()] == [1] * MAILS_PER_CONNECTION + [2]


async def test_a_refusal_leaves_the_connection_fit_for_the_next_mail(start):
    server = start(answers={"ben@example.org": [NOBODY]}, traps={"DATA": Trap(say="451 4.3.0 not now", times=1)})
    async with mailing(server, to=THREE) as channel:
        first = await channel.send(INCIDENT, envelope())
        assert isinstance(first, Retry)
        assert "ana@example.org (451 4.3.0 not now)" in first.detail
        second = await channel.send(INCIDENT, envelope(attempt=2, progress=first.progress))
    assert isinstance(second, Accepted)
    assert {mail.connection for mail in server.received()} == {1}


async def test_a_connection_the_server_closed_meanwhile_is_opened_again_without_a_retry(start):
    server = start(traps={"MAIL": Trap(drop=True, spare=1, times=1)})
    async with mailing(server) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
    assert [mail.connection for mail in server.received()] == [1, 2]


async def test_a_server_that_closes_with_421_after_a_rest_is_connected_to_again(start):
    server = start(traps={"MAIL": Trap(say="421 4.4.2 idle for too long", spare=1, times=1)})
    async with mailing(server) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
    assert [mail.connection for mail in server.received()] == [1, 2]


async def test_an_idle_connection_is_given_up(start):
    server = start()
    async with mailing(server, patience=Patience(idle=0.05)) as channel:
        await channel.send(INCIDENT, envelope())
        await asyncio.sleep(0.3)
        await channel.send(INCIDENT, envelope())
    assert [mail.connection for mail in server.received()] == [1, 2]


async def test_an_address_outside_ascii_needs_a_server_that_takes_it(start):
    plain, able = start(), start(smtputf8=True)
    for server, group_to in ((plain, False), (plain, True), (able, True)):
        async with mailing(server, to="ana@example.org, jürgen@exämple.de", group_to=group_to) as channel:
            outcome = await channel.send(INCIDENT, envelope())
        assert isinstance(outcome, Accepted)
        refused = "refused for jürgen@xn--exmple-cua.de (553 5.6.7 the server takes no address" in outcome.detail
        assert refused is (server is plain)
    assert [mail.recipients for mail in plain.received()] == [["ana@example.org"]] * 2
    assert [mail.recipients for mail in able.received()] == [["ana@example.org"], ["jürgen@xn--exmple-cua.de"]]
    assert "jürgen@xn--exmple-cua.de" in able.received()[1].content.decode()


async def test_a_broken_template_is_told_with_the_mail_that_went_all_the_same(start):
    server = start()
    async with mailing(server, templates={"email.html.j2": "{{ 1 // 0 }}"}) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Accepted)
    assert outcome.detail.endswith(
        "; template email.html.j2 line 1: ZeroDivisionError: integer division or modulo by zero"
    )
    assert "Firing since" in server.received()[0].parsed().get_body(("html",)).get_content()
