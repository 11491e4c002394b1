"""Where the configuration comes from each time it is read: the file, below what the environment and flags say."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from alertsvc.settings.environment import Override, overridden, with_environment
from alertsvc.settings.file import Kind
from alertsvc.settings.load import Loaded, load_config, load_text


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """The file `path`, whose receivers may have channels of `kinds`. `flags` are what the command line says."""

    path: Path
    kinds: Mapping[str, Kind]
    flags: tuple[Override, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def read(self) -> Loaded:
        """The configuration as it is now. It blocks: files are read, and templates are tried out.

        Raises:
            ConfigError: The file cannot be read, or it or a variable or flag has mistakes. It names them all.
        """
        return self._adjusted(load_config(self.path, self.kinds))

    def read_kept(self, text: str, templates: Mapping[str, str], thresholds: str | None = None) -> Loaded:
        """The configuration that a kept copy of the file is, with the copies of its templates and thresholds.

        Raises:
            ConfigError: This version does not take it any more.
        """
        return self._adjusted(load_text(text, str(self.path), self.kinds, templates, thresholds))

    def _adjusted(self, loaded: Loaded) -> Loaded:
        loaded = with_environment(loaded, self.environment)
        return replace(loaded, settings=overridden(loaded.settings, self.flags))
