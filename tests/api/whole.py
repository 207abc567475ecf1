# SPDX-License-Identifier: MIT
"""No function of include/microexpr/X.h is left out of tests/api/api_X.c."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import headers  # noqa: E402

root = Path(sys.argv[1])
missing = []
for header in headers.public_headers(root):
    path = root / "tests" / "api" / f"api_{header.name}.c"
    text = path.read_text(encoding="utf-8") if header.functions else ""
    missing += [f"{path.relative_to(root)}: {name}() is not tried"
                for name in header.functions if not re.search(rf"\b{name}\(", text)]
print("\n".join(missing))
sys.exit(1 if missing else 0)
