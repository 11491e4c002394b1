"""Lets `python -m alertsvc` do what `alertsvc` does."""

from alertsvc.cli import main

if __name__ == "__main__":
    main()
