"""A tool's report, read: everything it checked, and what of that is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from alertsvc.core.deployments import Deployment
from alertsvc.ingest.tools.context import Context
from alertsvc.ingest.tools.finding import Finding


@dataclass(frozen=True, slots=True)
class Report:
    """`findings` are all checks, each once; `told` those that become events, in their order, the summaries first.

    `context` is the one that was given, with what the report says of itself. `notes` are for whoever sent it.
    `deployments` are what it says of the life of a model.
    """

    findings: Sequence[Finding]
    told: Sequence[Finding]
    context: Context
    notes: Sequence[str] = ()
    deployments: Sequence[Deployment] = ()
