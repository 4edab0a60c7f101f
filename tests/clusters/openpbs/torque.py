"""Torque's commands, over the same server and moms: its own words, answers and exit codes."""

# mypy: ignore-errors

import os
import re
import sys
import time

from openpbs import change, grammar, mom, torque_shown
from openpbs.qsub import attributes, begin_time, block, directives, placed, variables
from openpbs.resources import clock, seconds
from openpbs.server import add, delete
from openpbs.state import IDENTITY, Stop, content, full, state, user

LETTERS = "a:A:b:c:C:d:D:e:EfF:hIj:J:k:K:l:L:m:M:nN:o:p:P:q:r:S:t:T:u:v:VW:w:xXzZ:"
KINDS = re.compile(r"(after|afterok|afternotok|afterany|before|beforeok|beforenotok|beforeany)(?:array)?:(.+)")
TASKS = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*(?:%(\d+))?")
PART = re.compile(r"([\w.-]+)((?::[^:+]+)*)")
USAGE = "usage: qsub ...\n"
UNKNOWN, WRONG_STATE, NO_QUEUE = 153, 170, 172
NO_NODES = (
    "Job exceeds queue resource limits MSG=cannot locate feasible nodes"
    " (nodes file is empty, all systems are busy, or no nodes have the requested feature)"
)
MISSING = {name: f"{name}: Unknown Job Id Error MSG=cannot locate job {{}}\n" for name in ("qsig", "qrerun")}


def main(command, words):
    """Be one of the commands; its exit status."""
    try:
        return COMMANDS[command](words)
    except Stop as stop:
        sys.stderr.write(stop.text)
        return stop.code


def _refuse(why, code):
    return Stop(f"qsub: submit error ({why})\n", code)


# --- qsub


def qsub(words):
    """Submit."""
    given, rest = grammar.parse("qsub", LETTERS, words, USAGE)
    name, script = _script(rest)
    options = [*directives(script, given, LETTERS), *given]
    with state() as server:
        job, indices = _job(server, {"N": name, **dict(options)}, options, script)
        job["submit_arguments"] = " ".join(words)
        add(server, job, indices)
        for number in indices:
            task = server["jobs"][job["id"].replace("[]", f"[{number}]")]
            task["name"] = f"{job['name']}-{number}"
    if "z" not in dict(options):
        print(job["id"], flush=True)
    return block(job["id"]) if job["block"] == "true" else 0


def _script(rest):
    if not rest or rest == ["-"]:
        return "STDIN", sys.stdin.buffer.read().decode("latin-1")
    try:
        with open(rest[0], "rb") as file:
            return os.path.basename(rest[0]), file.read().decode("latin-1")
    except OSError as error:
        raise Stop(f"qsub: script file '{rest[0]}' cannot be loaded - {error.strerror}\n", 1) from None


def _job(server, chosen, options, script):
    """The job, and the tasks of an array. Raises Stop."""
    queue, more = chosen.get("q", "batch"), attributes(options)
    if queue not in server["queues"]:
        raise _refuse("Unknown queue MSG=requested queue not found", NO_QUEUE)
    found = TASKS.fullmatch(chosen["t"]) if "t" in chosen else None
    if "t" in chosen and not found:
        raise _refuse("Bad Job Array Request", 235)
    begin = begin_time(chosen["a"]) if "a" in chosen else 0
    job = {
        "name": chosen["N"], "queue": queue, "first_queue": queue, "script": script, "command": [], "user": user(),
        "folder": os.getcwd(), "begin": begin if begin > time.time() else 0, "rerunnable": chosen.get("r") != "n",
        "resources": _resources(server, options, queue, whole="n" in chosen), "asked": [], "project": None,
        "depend": depend_list(server, more.get("depend")), "environment": _variables(options),
        "path": os.environ.get("PATH", ""), "account": chosen.get("A"), "join": chosen.get("j", "n"),
        "keep": chosen.get("k", "n"), "mail": chosen.get("m", "a"), "mail_users": chosen.get("M"),
        "priority": int(chosen.get("p", "0")), "shell": chosen.get("S"), "sandbox": None, "stagein": None,
        "stageout": None, "umask": more.get("umask"), "block": more.get("block"), "hold": "u" if "h" in chosen else "n",
        "ctime": time.time(), "mtime": time.time(),
        "origin": {name: os.environ.get(name, "") for name in ("HOME", "LOGNAME", "PATH", "SHELL", "LANG")},
    }  # fmt: skip
    number = server["next"]
    server["next"] += 1
    job["id"] = f"{number}{'[]' if found else ''}.{server['server']}"
    mark = "-^array_index^" if found else ""
    for letter, key in (("o", "out"), ("e", "err")):
        job[f"{key}_host"], given = placed(server, chosen.get(letter))
        path = given or f"{job['name']}.{letter}{number}"
        job[key] = os.path.join(job["folder"], f"{path}{mark}")
    if found:
        job.update(array=True, most=int(found[1] or 0), indices=chosen["t"])
    return job, _indices(chosen["t"].partition("%")[0]) if found else []


def _variables(options):
    """-V and -v: a word without a value, and without one here, is empty."""
    found = variables([(letter, value) for letter, value in options if letter == "V"])
    for text in [value for letter, value in options if letter == "v"][-1:]:
        for word in text.replace('"', r"\"").split(","):
            name, equals, value = word.partition("=")
            found[name] = value if equals else os.environ.get(name, "")
    return found


def _indices(text):
    found = []
    for word in text.split(","):
        first, _, last = word.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _resources(server, options, queue, whole=False):
    """What is asked for, by its own words and by those that place a job. Raises Stop."""
    asked = {}
    for text in [value for letter, value in options if letter == "l"]:
        asked.update(word.partition("=")[::2] for word in text.split(","))
    nodes = asked.setdefault("nodes", "1")
    chunks = [_chunk(server, part) for part in nodes.split("+")]
    place = ("scatter" if len(chunks) == 1 else "free") + ":excl" * whole
    defaults = server["queues"][queue]["default"]
    limit = clock(int(seconds(asked.get("walltime", defaults["walltime"]))))
    counts = [int(chunk.partition(":")[0]) for chunk in chunks]
    return {
        **asked, "walltime": limit, "nodect": str(sum(counts)), "select": "+".join(chunks), "place": place,
        "ncpus": str(sum(count * _per(chunk) for count, chunk in zip(counts, chunks, strict=True))),
    }  # fmt: skip


def _per(chunk):
    return int(re.search(r":ncpus=(\d+)", chunk)[1])


def _chunk(server, part):
    """`2:ppn=4:gpus=1`, or `pbsn1:ppn=4`, in the words that place a job. Raises Stop."""
    found = PART.fullmatch(part)
    count, of = found[1], dict(word.partition("=")[::2] for word in found[2].split(":") if word)
    cpus, host = of.get("ppn", "1"), ""
    if not count.isdigit():
        count, host = "1", f":host={count}"
    known = not host or host.removeprefix(":host=") in server["nodes"]
    if not known or int(count) > len(server["nodes"]) or int(cpus) > server["cpus"]:
        raise _refuse(NO_NODES, 190)
    gpus = f":ngpus={of['gpus']}" if "gpus" in of else ""
    return f"{count}:ncpus={cpus}:mpiprocs={cpus}{gpus}{host}"


def depend_list(server, text):
    """What a job waits for: kind and names. Raises Stop."""
    waits = []
    for term in text.split(",") if text else []:
        found = KINDS.fullmatch(term)
        names = [full(server, name) for name in found[2].split(":")] if found else []
        if not names or not all(name in server["jobs"] and server["jobs"][name]["state"] != "F" for name in names):
            raise _refuse("Invalid Job Dependency", 208)
        waits.append([found[1], names])
    return waits


# --- what changes jobs


def _each(command, words, letters, forbidden=""):
    """The options, and the names of those jobs that it can be done to; complaints, and the exit status."""
    options, names, faults = grammar.read(command, letters, words)
    if faults:
        raise Stop("".join(faults), 2)
    code, good = 0, []
    with state() as server:
        for word in names:
            name = full(server, word)
            job = server["jobs"].get(name)
            if not IDENTITY.fullmatch(word) or job is None:
                sys.stderr.write(MISSING.get(command, "").format(name))
                code = UNKNOWN
            elif job["state"] in forbidden:
                sys.stderr.write(_wrong_state(command, name))
                code = WRONG_STATE
            else:
                good.append(name)
    return options, good, code


def _wrong_state(command, name):
    over = "MSG=invalid state for job - COMPLETE "
    why = {"qsig": "", "qrerun": f"MSG=job {name} is in a bad state "}.get(command, over)
    return f"{command}: Request invalid for state of job {why}{name}\n"


def qdel(words):
    """End jobs."""
    _, names, code = _each("qdel", words, "apm:W:t:", "F")
    with state() as server:
        for name in names:
            delete(server, server["jobs"][name], user())
    return code


def qalter(words):
    """Change jobs."""
    options, names, code = _each("qalter", words, "a:A:c:e:h:j:k:l:m:M:N:o:p:r:S:u:v:W:", "F")
    keys = {"N": "name", "A": "account", "m": "mail"}
    with state() as server:
        for job in (server["jobs"][name] for name in names):
            job.update({keys[letter]: value for letter, value in options if letter in keys})
            for letter, value in options:
                if letter == "p":
                    job["priority"] = int(value)
                elif letter == "l" and value.startswith("walltime="):
                    job["resources"]["walltime"] = clock(int(seconds(value.partition("=")[2])))
    return code


def _through(command, letters, forbidden=""):
    def run(words):
        options, names, code = _each(command, words, letters, forbidden)
        given = [word for letter, value in options for word in (f"-{letter}", value) if word]
        return (change.COMMANDS[command]([*given, *names]) if names else 0) or code

    return run


# --- within a job


def environment(server, job):
    """What Torque tells a job, in place of what OpenPBS does."""
    home, first, limit = mom.HOME, job["resources"]["nodes"], job["resources"]["walltime"]
    hosts = [place["node"] for place in job["places"]]
    index = {"PBS_ARRAYID": str(job["index"])} if job.get("parent") else {}
    return {
        "PBS_GPUFILE": f"{home}/aux//{job['id']}gpu", "PBS_MICFILE": f"{home}/aux//{job['id']}mic",
        "PBS_NODEFILE": f"{home}/aux//{job['id']}", "PBS_NP": job["resources"]["ncpus"],
        "PBS_NUM_NODES": str(len(set(hosts))), "PBS_NUM_PPN": (re.search(r"ppn=(\d+)", first) or ["", "1"])[1],
        "PBS_O_SERVER": server["server"], "PBS_VERSION": "TORQUE-4.2.10", "PBS_VNODENUM": "0",
        "PBS_WALLTIME": str(int(seconds(limit))), **index,
    }  # fmt: skip


def pbsdsh(words):
    """Run a command on each node of the job's, or on one of them; it prints into the job's own output."""
    options, rest = grammar.parse("pbsdsh", "c:h:n:osuv", words, "usage: pbsdsh ...\n")
    hosts = content(os.environ["PBS_NODEFILE"]).split()
    chosen = dict(options).get("h")
    if chosen and chosen not in hosts:
        raise Stop(f"pbsdsh: host {chosen} not found\n", 1)
    for host in [chosen] if chosen else hosts:
        os.environ["STAND_IN_HOST"] = host
        mom.spawn([host, *rest])
    return 0


def config(words):
    """pbs-config: that it is there tells that this is a Torque."""
    print("4.2.10" if words == ["--version"] else "")
    return 0


COMMANDS = {
    "qsub": qsub, "qdel": qdel, "qalter": qalter, "qhold": _through("qhold", "h:t:"), "qrls": _through("qrls", "h:t:"),
    "qsig": _through("qsig", "as:", "QHWF"), "qrerun": _through("qrerun", "f", "QHWF"),
    "qstat": torque_shown.qstat, "pbsnodes": torque_shown.pbsnodes, "pbsdsh": pbsdsh, "pbs-config": config,
}  # fmt: skip
