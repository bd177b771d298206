"""`python -m altwright` is `altwright`."""

from altwright.cli.main import main

# A process of an isolated task imports this module under another name.
if __name__ == "__main__":
    main()
