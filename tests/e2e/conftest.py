"""Services are started dozens of times here."""

from tests.programs import fork_services

fork_services()
