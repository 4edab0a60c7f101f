"""A job that does not end within its limit; prints the state that parsl's provider sees."""

from __future__ import annotations

import json

from work import end

print(json.dumps(end("sleep 600", walltime="00:01:00")[-1]))
