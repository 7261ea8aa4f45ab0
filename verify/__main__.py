"""`python -m verify`, also installed as `theory-verify`."""

import os
import sys

from verify.commands import end, main


def entry() -> None:
    """Run the command line and exit with its status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started this process
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    sys.exit(end(main()))


if __name__ == "__main__":
    entry()
