"""A job that does not end within its limit; prints the states that qtoolkit reads."""

from __future__ import annotations

import json

from work import job, over, submit

number = submit("limit", "sleep 600", seconds=60)
over(number, pause=3)
print(json.dumps(job(number)[1:3]))
