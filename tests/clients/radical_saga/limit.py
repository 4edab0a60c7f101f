"""A job that does not end within its limit; prints what SAGA says of it."""

from __future__ import annotations

import json

from work import OVER, Jobs, until

job = Jobs().submit("limit", "sleep 600", minutes=1)
print(json.dumps([until(job, *OVER), job.exit_code]))
