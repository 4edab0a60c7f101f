"""The server: what it knows, in one file under a lock.

$STAND_IN_PBS is its folder; $STAND_IN_SPEED lets its times pass faster, for tests that wait for them.
"""

# mypy: ignore-errors

import fcntl
import json
import os
import re
from contextlib import contextmanager

HOME = os.environ.get("STAND_IN_PBS", "")
SPEED = float(os.environ.get("STAND_IN_SPEED", "1"))
VERSION = "23.06.06"
UNKNOWN, FINISHED = 153, 35
IDENTITY = re.compile(r"(\d+)(\[\d*\])?(?:\.([\w.-]+))?(?:@[\w.-]+)?")
NEW = {
    "server": "pbsn1",
    "history": True,
    "scheduling": True,
    "root_may": True,
    "enforces": False,
    "torque": False,
    "jobs": {},
    "nodes": {
        "pbsn1": {"features": "skylake,avx512", "ngpus": 2},
        "pbsn2": {"features": "zen", "ngpus": 2},
        "pbsn3": {"features": "zen", "ngpus": 0, "bigmem": "True"},
    },
    "cpus": 4,
    "mem": 8 << 20,  # kb
    "queues": {
        "workq": {"default": {"walltime": "01:00:00"}},
        "gpu": {"default": {"ngpus": "1"}},
        "small": {"most_of_user": 2, "most": {"ncpus": "2", "walltime": "00:10:00"}},
        "closed": {"enabled": False},
        "stopped": {"started": False},
    },
}


TORQUE = {
    **NEW,
    "mem": 24 << 20,
    "queues": {"batch": {"default": {"walltime": "01:00:00"}}},
    "nodes": {name: {"features": "", "ngpus": gpus} for name, gpus in (("pbsn1", 2), ("pbsn2", 2), ("pbsn3", 0))},
}


class Stop(Exception):
    """What goes to standard error, and the exit status."""

    def __init__(self, text, code):
        super().__init__(text)
        self.text, self.code = text, code


def content(path):
    """A file's text; "" where there is none."""
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        return file.read()


def _new():
    if "STAND_IN_TORQUE" in os.environ:
        names = list(TORQUE["nodes"])[: int(os.environ["STAND_IN_TORQUE"])]  # how many nodes it has
        nodes = {name: TORQUE["nodes"][name] for name in names}
        return {**TORQUE, "torque": True, "nodes": nodes, "next": int(os.environ.get("STAND_IN_FIRST", "1"))}
    first, history = int(os.environ.get("STAND_IN_FIRST", "1")), "STAND_IN_FORGETS" not in os.environ
    queues = {**NEW["queues"], **({"route": {"to": "workq"}} if "STAND_IN_ROUTES" in os.environ else {})}
    enforces = "STAND_IN_ENFORCES" in os.environ
    return {**NEW, "next": first, "history": history, "queues": queues, "enforces": enforces}


@contextmanager
def state():
    """The server, for one at a time."""
    from openpbs.server import step

    with open(os.path.join(HOME, "lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = os.path.join(HOME, "state.json")
        found = json.loads(content(path) or json.dumps(_new()))
        step(found)
        try:
            yield found
        finally:
            step(found)
            with open(path + ".new", "w") as file:
                json.dump(found, file)
            os.rename(path + ".new", path)


def user():
    """Who asks."""
    if "STAND_IN_USER" in os.environ:
        return os.environ["STAND_IN_USER"]
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def full(server, name):
    """A job as the server names it; "": this is no name of a job."""
    found = IDENTITY.fullmatch(name)
    return f"{found[1]}{found[2] or ''}.{found[3] or server['server']}" if found else ""


def tasks(server, job):
    """The subjobs of an array."""
    return [other for other in server["jobs"].values() if other.get("parent") == job["id"]]


def shown(text):
    """A text with the folders of the recordings in place of those that are used here."""
    for here, there in json.loads(os.environ.get("STAND_IN_SHOWN", "{}")).items():
        text = text.replace(here, there)
    return text
