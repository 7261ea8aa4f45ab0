"""One Hypothesis profile for all tests: the same examples on every run, no database, no clock."""

from hypothesis import settings

settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    max_examples=25,
    database=None,
    print_blob=True,
)
settings.load_profile("tests")
