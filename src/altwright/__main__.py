"""`python -m altwright` is `altwright`."""

from altwright.cli.main import main

main()
