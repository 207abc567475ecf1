# SPDX-License-Identifier: MIT
"""Runs pytest on the files given, or tells meson (exit 77) that there is no pytest."""

import sys

try:
    import pytest
except ImportError:
    print("skipped: pytest is not installed for", sys.executable)
    sys.exit(77)

code = pytest.main(["-q", "-p", "no:cacheprovider", "-rs", *sys.argv[1:]])
sys.exit(77 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code)
