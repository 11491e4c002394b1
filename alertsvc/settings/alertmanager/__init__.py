"""Takes over what Alertmanager was told: its file in, one of ours out, and every thing named that did not come over."""

from alertsvc.settings.alertmanager.take_over import Imported, import_file, import_text

__all__ = ["Imported", "import_file", "import_text"]
