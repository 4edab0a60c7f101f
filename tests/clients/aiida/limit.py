"""A calculation that does not end within its limit; prints the exit status that AiiDA gives it."""

from __future__ import annotations

import json
import os
from pathlib import Path

Path("limit").mkdir()
os.chdir("limit")  # a profile of its own

from work import builder, code, run  # noqa: E402 - it makes its profile in the current folder

print(json.dumps(run(builder(code("sleep", "sleep 600"), 1, 1, max_wallclock_seconds=60))))
