"""A job that does not end within its limit; prints what PSI/J says of it."""

from __future__ import annotations

import json
from datetime import timedelta

from work import Jobs, outcome


def main() -> None:
    job = Jobs(pause=5).submit("limit", "/bin/sleep", "600", minutes=1)
    assert job.wait(timedelta(seconds=100)), "the job does not end"
    print(json.dumps(outcome(job)))


main()
