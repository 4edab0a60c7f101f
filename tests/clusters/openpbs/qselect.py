"""qselect: the jobs that fit."""

# mypy: ignore-errors

from openpbs import grammar
from openpbs.state import state


def main(words):
    """Print their names."""
    options, _ = grammar.parse("qselect", "A:N:q:s:u:x", words, "usage: qselect ...\n")
    wanted = dict(options)
    with state() as server:
        for job in server["jobs"].values():
            if job.get("parent") or (job["state"] == "F" and "x" not in wanted):
                continue
            fits = (
                job["state"] in wanted.get("s", job["state"])
                and job["name"] == wanted.get("N", job["name"])
                and job["user"] in wanted.get("u", job["user"]).split(",")
                and job["queue"] == wanted.get("q", job["queue"])
            )
            if fits:
                print(job["id"])
    return 0
