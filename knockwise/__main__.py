"""Runs the command line: `python -m knockwise`."""

from knockwise.app.cli import main  # type: ignore[import-not-found]  # a part, see __init__.py

if __name__ == "__main__":
    main()
