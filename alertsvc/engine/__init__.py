"""Carries events from room to room: receive, apply, command, deliver, tick."""
