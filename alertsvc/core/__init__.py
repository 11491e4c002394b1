"""Pure decisions. Standard library only; no clock, no logger, no I/O: time and identifiers are arguments."""
