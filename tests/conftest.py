"""What all tests share: how property tests look for examples."""

import os

from hypothesis import settings

# New examples on every run of a developer; the same ones in CI, so that a change is judged by what it changed.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
