"""The whole service on one machine in a minute: local stand-ins for the providers, and a story that is played to it."""
