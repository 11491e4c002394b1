"""How routing of today is compared with what was decided then."""

from dataclasses import replace

import pytest

from alertsvc.core.explain import Taking
from alertsvc.core.model import Deliver
from alertsvc.core.mutes import Mute, MuteKind
from alertsvc.engine.story import difference
from tests.core.builders import CHAT, CRITICAL, DELIVER, believer, route

KNOWS = believer()
SAME = Taking(route(), (CHAT,), Deliver.IMMEDIATE, None)
MUTED = replace(SAME, mutes=(Mute(MuteKind.SILENCE, "silence:1", "silenced"),))
LATER = replace(SAME, route=route(deliver={**DELIVER, CRITICAL: Deliver.DIGEST}), deliver=Deliver.DIGEST)
ELSEWHERE = replace(SAME, route=route("root/fraud"))
LESS_GRAVE = replace(SAME, deliver=Deliver.DIGEST, digest="hourly")
NEVER = replace(SAME, deliver=Deliver.NONE)


@pytest.mark.parametrize(
    ("then", "today", "said"),
    [
        pytest.param(KNOWS, SAME, None, id="the-same"),
        pytest.param(KNOWS, MUTED, None, id="a-mute-is-no-route"),
        pytest.param(KNOWS, LESS_GRAVE, None, id="what-fires-now-is-less-grave"),
        pytest.param(KNOWS, LATER, "then root (immediate), today root (digest)", id="delivered-otherwise"),
        pytest.param(KNOWS, ELSEWHERE, "then root (immediate), today root/fraud (immediate)", id="another-route"),
        pytest.param(KNOWS, None, "root led here then; today no route does", id="no-route"),
        pytest.param(None, SAME, "today root leads here (immediate); nobody was told when it began", id="new"),
        pytest.param(None, MUTED, None, id="new-and-muted"),
        pytest.param(None, NEVER, None, id="never-to-be-told"),
        pytest.param(None, None, None, id="neither"),
        pytest.param(believer("ended"), None, None, id="it-knows-that-it-ended"),
    ],
)
def test_a_difference_is_one_of_routes_and_not_of_what_fires(then, today, said):
    assert difference(then, today) == said
