"""The doors: ingest hooks, REST API, access control, errors, health. No rule lives here."""
