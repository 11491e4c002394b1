"""PagerDuty, through version 2 of its Events API."""

from alertsvc.channels.pagerduty.channel import open_pagerduty
from alertsvc.channels.pagerduty.config import PagerDutyConfig, PagerDutyGlobals

__all__ = ["PagerDutyConfig", "PagerDutyGlobals", "open_pagerduty"]
