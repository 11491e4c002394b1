"""What the answers of a Teams flow mean."""

import json
from datetime import timedelta

import pytest

from alertsvc.channels.msteams.answers import teams_outcome
from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry
from tests.channels.scripted import SENT_AT as NOW
from tests.channels.scripted import reply

FAILED = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {} with ContextId x"


def azure(status, code, message=""):
    return reply(status, json.dumps({"error": {"code": code, "message": message}}))


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_flow_that_began_says_that_nobody_knows_how_it_ends(status):
    outcome = teams_outcome(reply(status, "1" if status == 200 else ""), NOW)
    assert outcome == Accepted("the flow accepted it; whether it was posted is not told", status_code=status)


@pytest.mark.parametrize(
    ("inner", "fault", "kind"),
    [
        pytest.param(429, Fault.RATE_LIMITED, Retry, id="limited"),
        pytest.param(400, Fault.CLIENT_ERROR, Rejected, id="bad-card"),
        pytest.param(413, Fault.TOO_LARGE, Rejected, id="too-large"),
        pytest.param(500, Fault.SERVER_ERROR, Retry, id="in-trouble"),
        pytest.param(403, Fault.AUTH_ERROR, Retry, id="forbidden"),
    ],
)
@pytest.mark.parametrize("status", [200, 202])
def test_a_failure_that_is_told_of_with_success_counts_by_its_own_status(status, inner, fault, kind):
    outcome = teams_outcome(reply(status, FAILED.format(inner)), NOW)
    assert isinstance(outcome, kind)
    assert (outcome.fault, outcome.status_code) == (fault, inner)
    assert outcome.detail == f"HTTP {inner}: Webhook message delivery failed: HTTP error {inner}"


def test_a_failure_that_says_no_status_is_tried_again():
    outcome = teams_outcome(reply(200, "Webhook message delivery failed, sorry"), NOW)
    assert outcome == Retry(Fault.OTHER, "Webhook message delivery failed", status_code=200)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        pytest.param(azure(401, "DirectApiAuthorizationRequired"), Fault.AUTH_ERROR, id="401-wants-a-login"),
        pytest.param(azure(403, "Forbidden"), Fault.AUTH_ERROR, id="403"),
        pytest.param(azure(404, "WorkflowNotFound"), Fault.CONFIGURATION, id="404-flow-is-gone"),
        pytest.param(reply(410, ""), Fault.CONFIGURATION, id="410"),
        pytest.param(azure(400, "WorkflowTriggerIsNotEnabled", "off"), Fault.CONFIGURATION, id="400-flow-is-off"),
        pytest.param(azure(400, "MissingApiVersionParameterOrSignature"), Fault.CONFIGURATION, id="400-signature"),
        pytest.param(azure(400, "TriggerSuspended"), Fault.CONFIGURATION, id="400-suspended"),
        pytest.param(reply(302, "", location="https://login.example"), Fault.CONFIGURATION, id="redirect"),
    ],
)
def test_what_people_must_mend_holds_the_destination(answer, fault):
    outcome = teams_outcome(answer, NOW)
    assert isinstance(outcome, Retry)
    assert (outcome.fault, outcome.whole_destination) == (fault, True)
    assert outcome.detail.startswith(f"HTTP {answer.status_code}: ") or not answer.body


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(
            reply(429, "", retry_after="17"),
            Retry(Fault.RATE_LIMITED, "HTTP 429", timedelta(seconds=17), 429, whole_destination=True),
            id="limited-and-says-how-long",
        ),
        pytest.param(
            azure(429, "WorkflowThrottled"),
            Retry(Fault.RATE_LIMITED, "HTTP 429: WorkflowThrottled", None, 429, whole_destination=True),
            id="limited",
        ),
        pytest.param(reply(408, ""), Retry(Fault.TIMEOUT, "HTTP 408", None, 408), id="timeout"),
        pytest.param(reply(502, "<html>"), Retry(Fault.SERVER_ERROR, "HTTP 502", None, 502), id="gateway"),
        pytest.param(
            azure(500, "InternalServerError"),
            Retry(Fault.SERVER_ERROR, "HTTP 500: InternalServerError", None, 500),
            id="500",
        ),
    ],
)
def test_what_passes_is_tried_again(answer, outcome):
    assert teams_outcome(answer, NOW) == outcome


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        pytest.param(azure(400, "InvalidRequestContent", "not JSON"), Fault.CLIENT_ERROR, id="400"),
        pytest.param(azure(413, "RequestEntityTooLarge"), Fault.TOO_LARGE, id="413"),
        pytest.param(reply(422, "no"), Fault.CLIENT_ERROR, id="422"),
        pytest.param(reply(400, '{"error": "text"}'), Fault.CLIENT_ERROR, id="an-error-of-another-form"),
        pytest.param(reply(400, "[" * 9_000), Fault.CLIENT_ERROR, id="no-json"),
    ],
)
def test_what_this_card_did_wrong_is_rejected(answer, fault):
    outcome = teams_outcome(answer, NOW)
    assert isinstance(outcome, Rejected)
    assert outcome.fault is fault
    assert len(outcome.detail) < 250
