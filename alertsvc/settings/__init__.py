"""The configuration: a YAML file in, checked values out, or all of its mistakes with their places."""

from alertsvc.settings.errors import ConfigError, Problem
from alertsvc.settings.load import Loaded, Settings, load_config, load_text
from alertsvc.settings.receivers import ConfiguredChannel

__all__ = ["ConfigError", "ConfiguredChannel", "Loaded", "Problem", "Settings", "load_config", "load_text"]
