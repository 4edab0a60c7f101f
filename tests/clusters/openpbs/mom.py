"""The mom: a login shell of its own session is fed the script's path; what it printed is copied at the end.

There is one for each job, which is its node's mom as long as no other one is started there.
"""

# mypy: ignore-errors

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from openpbs import placing
from openpbs.state import HOME, SPEED, content

KILL_DELAY = 10 / SPEED  # seconds from TERM to KILL
PAUSE = 0.02
NOT_OF_TORQUE = {
    "PBS_JOBDIR", "PBS_O_SYSTEM", "PBS_O_INTERACTIVE_AUTH_METHOD", "PBS_O_INTERACTIVE_ENCRYPT_METHOD",
    "NCPUS", "OMP_NUM_THREADS", "TMPDIR",
}  # fmt: skip
TAKEN_DOWN, SUBJOB_TAKEN_DOWN = 1 / SPEED, 10 / SPEED  # seconds that the end of a job takes that is ended


def start(server, job):
    """Start a job; its process group."""
    places = job["places"]
    for folder in ("aux", "mom_priv/jobs", "spool", "undelivered"):
        os.makedirs(os.path.join(HOME, folder), exist_ok=True)
    with open(os.path.join(HOME, "aux", job["id"]), "w") as file:
        file.writelines(host + "\n" for host in placing.node_lines(places))
    for end in (".ending", ".session"):  # of an earlier run
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(HOME, job["id"] + end))
    script = os.path.join(HOME, "mom_priv/jobs", job["id"] + ".SC")
    if job["script"]:  # an empty one is not sent
        with open(script, "w", encoding="latin-1") as file:
            file.write(job["script"])
        os.chmod(script, 0o700)
    keys = ("id", "out", "err", "join", "keep", "umask", "command", "shell", "sandbox", "stagein", "stageout")
    order = {key: job[key] for key in keys}
    order.update(script=script, environment=_environment(server, job), lock=_lock(server, places[0]["node"]))
    library = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = f"import sys; sys.path.insert(0, {library!r}); from openpbs.mom import run; run(sys.argv[1])"
    nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    words = [sys.executable, "-IS", "-c", program, json.dumps(order)]
    return subprocess.Popen(words, start_new_session=True, **nowhere).pid


def _lock(server, node):
    """Where a node's mom has its number: the server's beside the server, others in folders of their own."""
    home = HOME if node == server["server"] else f"{HOME}-{node.removeprefix('pbs')}"
    os.makedirs(os.path.join(home, "mom_priv"), exist_ok=True)
    return os.path.join(home, "mom_priv", "mom.lock")


def _environment(server, job):
    first = job["places"][0]["values"]
    cpus = first.get("ompthreads") or first.get("ncpus", "1")
    own = {
        "PBS_JOBID": job["id"], "PBS_JOBNAME": job["name"], "PBS_QUEUE": job["queue"], "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_NODEFILE": os.path.join(HOME, "aux", job["id"]), "PBS_O_WORKDIR": job["folder"],
        "PBS_O_PATH": job["path"], "PBS_O_HOST": server["server"], "PBS_O_QUEUE": job["first_queue"],
        "PBS_O_SYSTEM": "Linux", "PBS_JOBDIR": folder(job), "PBS_NODENUM": "0", "PBS_TASKNUM": "1",
        "PBS_MOMPORT": "15003", "TMPDIR": f"/var/tmp/pbs.{job['id']}", "PBS_JOBCOOKIE": os.urandom(16).hex().upper(),
        "PBS_O_INTERACTIVE_AUTH_METHOD": "resvport", "PBS_O_INTERACTIVE_ENCRYPT_METHOD": "",
        "HOME": os.path.expanduser("~"), "USER": job["user"], "LOGNAME": job["user"], "NCPUS": cpus,
        "OMP_NUM_THREADS": cpus, "ENVIRONMENT": "BATCH", "SHELL": "/bin/bash", "PATH": os.environ["PATH"],
        **{f"PBS_O_{name}": value for name, value in job["origin"].items() if value and name != "PATH"},
        **{name: value for name, value in os.environ.items() if name.startswith("STAND_IN_")},
    }  # fmt: skip
    own.pop("STAND_IN_SHOWN", None)
    if server["torque"]:
        from openpbs import torque

        own = {name: value for name, value in own.items() if name not in NOT_OF_TORQUE}
        return {**job["environment"], **own, **torque.environment(server, job)}
    if job.get("parent"):
        own.update(PBS_ARRAY_INDEX=str(job["index"]), PBS_ARRAY_ID=job["parent"])
    return {**job["environment"], **own}


def folder(job):
    """Where it runs."""
    home = os.path.expanduser("~")
    return os.path.join(home, f"pbs.{job['id']}.x8z") if job["sandbox"] == "PRIVATE" else home


def memory(job):
    """KiB that its processes have."""
    pages = [content(f"/proc/{pid}/statm").split() for pid in _session(_leader(job)) if _is_there(pid)]
    return sum(int(words[1]) for words in pages if words) * os.sysconf("SC_PAGESIZE") // 1024


def is_late(job):
    """Has it run for longer than it may?"""
    limit = job["resources"].get("walltime")
    if job.get("late") or limit is None:
        return False
    hours, minutes, seconds = map(int, limit.split(":"))
    return (time.time() - job["stime"]) * SPEED > hours * 3600 + minutes * 60 + seconds


def warn(job, why):
    """Tell in the job's standard error why it is killed."""
    spooled = os.path.join(HOME, "spool", f"{job['id']}.{'OU' if job['join'] == 'oe' else 'ER'}")
    with open(job["out"] if "d" in job["keep"] and job["join"] == "oe" else spooled, "a") as file:
        file.write(f"=>> PBS: job killed: {why}\n")


def too_late(job):
    """Why a job is killed that has run for too long."""
    limit = job["resources"]["walltime"]
    total = sum(int(part) * 60**power for power, part in enumerate(reversed(limit.split(":"))))
    return f"walltime {total + 1} exceeded limit {total}"


def signal_all(job, number):
    """Signal every process of the job; to end it is up to the mom."""
    if number == signal.SIGTERM:
        with open(os.path.join(HOME, job["id"] + ".ending"), "w"):
            pass
    else:
        _send(_leader(job), number)


def _leader(job):
    """The job's login shell."""
    return int(content(os.path.join(HOME, job["id"] + ".session")) or 0)


def _send(leader, number):
    for pid in _session(leader):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _session(leader):
    """Its processes, by their ids."""
    found = []
    for name in os.listdir("/proc"):
        if leader and name.isdigit():
            fields = content(f"/proc/{name}/stat").rpartition(")")[2].split() if _is_there(name) else []
            if fields and int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(name))
    return found


def _is_there(name):
    try:
        with open(f"/proc/{name}/stat"):
            return True
    except OSError:
        return False


def spawn(words):
    """pbs_tmrsh: what runs elsewhere has nothing to read, and prints into the job's own output."""
    spool = os.path.join(HOME, "spool", os.environ["PBS_JOBID"])
    err = f"{spool}.ER" if os.path.exists(f"{spool}.ER") else f"{spool}.OU"
    with open(f"{spool}.OU", "ab") as stdout, open(err, "ab") as stderr:
        return subprocess.run(words[1:], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr).returncode


# --- in the job's own session


def run(text):
    """Run a job to its end."""
    order = json.loads(text)
    with open(order["lock"], "w") as file:
        file.write(str(os.getpid()))
    os.makedirs(folder(order), exist_ok=True)
    os.chdir(folder(order))
    for here, there in _staged(order["stagein"]):
        shutil.copy(there, here)
    os.umask(int(order["umask"] or "077", 8))
    out, err = (os.path.join(HOME, "spool", f"{order['id']}.{end}") for end in ("OU", "ER"))
    live = "d" in order["keep"]
    if live:
        out = order["out"]
    code = _run(order, out, err)
    _end(order)
    wanted = [(out, order["out"])] * (order["join"] != "eo" and not live)
    wanted += [(err, order["err"])] * (order["join"] != "oe" and not live)
    delivered = int(all([_deliver(order["id"], path, goal) for path, goal in wanted]))
    for here, there in _staged(order["stageout"]):
        shutil.move(here, there)
    if order["sandbox"] == "PRIVATE":
        shutil.rmtree(folder(order))
    with open(os.path.join(HOME, order["id"] + ".new"), "w") as file:
        file.write(f"{code if code >= 0 else 256 - code} {delivered}")
    os.rename(os.path.join(HOME, order["id"] + ".new"), os.path.join(HOME, order["id"] + ".end"))


def _run(order, out, err):
    shell = order["shell"] or "/bin/bash"
    words = order["command"] or [f"-{os.path.basename(shell)}"]
    joined = {"oe": out, "eo": err}.get(order["join"])
    with open(joined or out, "ab") as stdout, open(joined or err, "ab") as stderr:
        if order["command"] and not os.path.isabs(words[0]):
            stderr.write(f"pbs_mom, exec of {words[0]} failed with error: No such file or directory\n".encode())
            return 254
        try:
            child = subprocess.Popen(
                words, executable=None if order["command"] else shell, stdin=subprocess.PIPE, stdout=stdout,
                stderr=stderr, env=order["environment"], start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            stderr.write(f"pbs_mom, exec of {words[0]} failed with error: {error.strerror}\n".encode())
            return 254
        with open(os.path.join(HOME, order["id"] + ".session"), "w") as file:
            file.write(str(child.pid))
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(b"" if order["command"] else order["script"].encode() + b"\n")
        _watch(order, child)
    return child.returncode


def _watch(order, child):
    """Wait for the end of a job's shell; when the job is to be ended, tell all of it so."""
    is_told = False
    while child.poll() is None:
        if not is_told and os.path.exists(os.path.join(HOME, order["id"] + ".ending")):
            is_told = True
            _send(child.pid, signal.SIGTERM)
        time.sleep(PAUSE)


def _end(order):
    """Leave a job that was told to end its time, and end what is left of it."""
    leader, is_told = _leader(order), os.path.exists(os.path.join(HOME, order["id"] + ".ending"))
    deadline = time.monotonic() + KILL_DELAY
    if is_told:
        time.sleep(SUBJOB_TAKEN_DOWN if "[" in order["id"] else TAKEN_DOWN)
    while is_told and _session(leader) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    _send(leader, signal.SIGKILL)


def _staged(text):
    """Files here and there, of `here@host:there,...`."""
    return [(word.partition("@")[0], word.partition(":")[2]) for word in (text or "").split(",") if word]


def _deliver(name, path, goal):
    """Put what was spooled where it is wanted."""
    if goal == os.devnull:
        return True
    goal = os.path.join(goal, os.path.basename(path)) if goal.endswith("/") else goal
    try:
        if os.path.exists(goal):
            os.unlink(goal)
        shutil.move(path, goal)
    except OSError:
        shutil.move(path, os.path.join(HOME, "undelivered", os.path.basename(path)))
        return False
    return True
