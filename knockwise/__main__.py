"""Runs the command line: `python -m knockwise`."""

from knockwise.app.cli import main

if __name__ == "__main__":
    main()
