"""A script for a copy of the packages: the verdict of one claim, without a counterexample.

`python judged.py CLAIM EXAMPLES SEED FOLDER`; the packages are those on the path.
"""

import sys
from dataclasses import replace
from pathlib import Path

from verify.catalogue import claim_named
from verify.profiles import profile_named
from verify.runner import RunPlan, run


def verdict(claim: str, examples: int, seed: int, folder: Path) -> str:
    """As `verify run` comes to, of so many instances."""
    profile = replace(profile_named("quick"), shrink_tries=0)
    plan = RunPlan((claim_named(claim),), profile, examples, seed, 1, folder, "")
    return run(plan, ()).claims[0].ruling.verdict


if __name__ == "__main__":
    print(verdict(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
