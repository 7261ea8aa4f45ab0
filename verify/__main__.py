"""`python -m verify`, also installed as `theory-verify`."""

import sys

from verify.commands import main


def entry() -> None:
    """Run the command line and exit with its status."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
