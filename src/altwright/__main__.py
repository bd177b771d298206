"""`python -m altwright` is `altwright`."""

from __future__ import annotations

import sys

from altwright import garbage, installed


def main() -> None:
    """Run the command line, or say which package it lacks."""
    garbage.pause()
    try:
        from altwright.cli.main import main as run  # noqa: PLC0415 - it imports other packages
    except ImportError as error:
        said = installed.fault(error)
        if said is None:
            raise
        sys.stderr.write(f"altwright: {said}\n")
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
