#!/usr/bin/env python3
"""A stand-in for OpenPBS: one program under the names of its commands, which really runs jobs, on this machine.

$STAND_IN_PBS is its folder: `state.json` under a lock, and what jobs leave. What it prints is what an OpenPBS 23.06.06
was recorded to print; test_pbs.py replays recordings against it.
"""

# mypy: ignore-errors

import fcntl
import getopt
import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

HOME = os.environ["STAND_IN_PBS"]
NEW = {
    "next": 1,
    "server": "pbsn1",
    "history": True,
    "jobs": {},
    "nodes": ["pbsn1", "pbsn2", "pbsn3"],
    "cpus": 4,
    "queues": {
        "workq": {},
        "gpu": {},
        "small": {"walltime": 3600},
        "closed": {"closed": True},
        "stopped": {"stopped": True},
    },
}
USAGE = """\
usage: qsub [-a date_time] [-A account_string] [-c interval]
	[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
	[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
	[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
	[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
	[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]
       qsub --version
"""
TABLE = """\
Job id            Name             User              Time Use S Queue
----------------  ---------------- ----------------  -------- - -----
"""
UNKNOWN, FINISHED, OVER_LIMIT, NO_QUEUE, CLOSED, BAD_VALUE, NO_RESOURCE = 153, 35, 188, 170, 173, 166, 187
KNOWN_RESOURCES = {"select", "place", "walltime", "ncpus", "mem", "ngpus", "nodes", "host", "mpiprocs", "ompthreads"}
RANGE = re.compile(r"(\d+)-(\d+)(?::(\d+))?(?:%(\d+))?")


class Stop(Exception):
    """What goes to standard error, and the exit status."""

    def __init__(self, text, code):
        super().__init__(text)
        self.text, self.code = text, code


@contextmanager
def state():
    """The server, for one at a time."""
    with open(os.path.join(HOME, "lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = os.path.join(HOME, "state.json")
        found = json.loads(content(path) or json.dumps({**NEW, "next": int(os.environ.get("STAND_IN_FIRST", "1"))}))
        step(found)
        try:
            yield found
        finally:
            step(found)
            with open(path + ".new", "w") as file:
                json.dump(found, file)
            os.rename(path + ".new", path)


def content(path):
    """A file's text; "" where there is none."""
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        return file.read()


# --- the server


def step(server):
    """Take in what ended, and start what can be started."""
    jobs = server["jobs"]
    for job in jobs.values():
        if job["state"] in "RE" and os.path.exists(os.path.join(HOME, job["id"] + ".end")):
            finish(server, job, int(content(os.path.join(HOME, job["id"] + ".end"))))
        limit = job.get("walltime")
        if job["state"] == "R" and limit and time.time() - job["stime"] > limit and not job.get("late"):
            job["late"] = True
            os.killpg(job["pid"], signal.SIGTERM)
    for job in list(jobs.values()):
        if job["state"] == "H" and job.get("depend"):
            depend(server, job)
        if job["state"] == "W" and job["begin"] <= time.time():
            job["state"] = "Q"
        if job["state"] == "Q" and not server["queues"][job["queue"]].get("stopped") and not job.get("array"):
            parent = jobs.get(job.get("parent", ""))
            running = [
                other for other in jobs.values() if other.get("parent") == job.get("parent") and other["state"] == "R"
            ]
            if parent and (parent["state"] in "HW" or (parent["most"] and len(running) >= parent["most"])):
                continue
            start(server, job)
    for job in jobs.values():
        if job.get("array"):
            tasks = [other for other in jobs.values() if other.get("parent") == job["id"]]
            if job["state"] == "Q" and any(task["state"] != "Q" for task in tasks):
                job["state"] = "B"
            if job["state"] == "B" and all(task["state"] in "XF" for task in tasks):
                job.update(state="F", code=int(any(task.get("code") for task in tasks)), mtime=time.time())
                for task in tasks:
                    task["state"] = "F"
    if not server["history"]:
        for name in [name for name, job in jobs.items() if job["state"] == "F"]:
            del jobs[name]


def depend(server, job):
    for kind, name in job["depend"]:
        other = server["jobs"].get(name)
        if other is None or (
            other["state"] == "F" and ((kind == "afterok") == bool(other.get("code")) and kind != "afterany")
        ):
            job.update(state="F", substate=92, mtime=time.time())
            return
        if other["state"] != "F" and not (kind == "after" and other["state"] in "RE"):
            return
    job["state"] = "Q"


def finish(server, job, code):
    if job.get("late"):
        code = -29
    elif job.get("deleted"):
        code = 271
    substate = 91 if job.get("deleted") else 93 if code else 92
    job.update(state="X" if job.get("parent") else "F", code=code, substate=substate, mtime=time.time())


def start(server, job):
    hosts = [host for host in job["hosts"]]
    nodefile = os.path.join(HOME, job["id"] + ".nodes")
    with open(nodefile, "w") as file:
        file.writelines(host + "\n" for host in hosts)
    environment = {
        **job["environment"],
        "PBS_JOBID": job["id"],
        "PBS_JOBNAME": job["name"],
        "PBS_QUEUE": job["queue"],
        "PBS_NODEFILE": nodefile,
        "PBS_O_WORKDIR": job["folder"],
        "PBS_O_PATH": job["path"],
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_O_HOST": server["server"],
        "HOME": os.path.expanduser("~"),
        "USER": job["user"],
        "NCPUS": str(job["cpus"]),
        "PATH": os.environ["PATH"],
        "STAND_IN_PBS": HOME,
    }
    if job.get("parent"):
        environment.update(PBS_ARRAY_INDEX=str(job["index"]), PBS_ARRAY_ID=job["parent"])
    script = os.path.join(HOME, job["id"] + ".SC")
    with open(script, "w") as file:
        file.write(job["script"])
    os.chmod(script, 0o700)
    order = {"script": script, "environment": environment, "out": job["out"], "err": job["err"], "id": job["id"]}
    child = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "--run", json.dumps(order)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    job.update(state="R", pid=child.pid, stime=time.time(), mtime=time.time())


def run(order):
    """The mom: a login shell that is fed the script's path."""
    os.chdir(os.path.expanduser("~"))
    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    with open(order["out"], "ab") as out, open(order["err"], "ab") as err:
        child = subprocess.Popen(["/bin/bash"], stdin=subprocess.PIPE, stdout=out, stderr=err, env=order["environment"])
        child.communicate(order["script"].encode() + b"\n")
    code = child.returncode
    with open(os.path.join(HOME, order["id"] + ".new"), "w") as file:
        file.write(str(code if code >= 0 else 128 - code))
    os.rename(os.path.join(HOME, order["id"] + ".new"), os.path.join(HOME, order["id"] + ".end"))


# --- qsub


def qsub(words):
    options, rest = parse(words)
    if rest[:1] == ["--"] or (words and "--" in words):
        script, name = "#!/bin/sh\nexec " + " ".join(rest), "STDIN"
    elif rest and rest[0] != "-":
        if len(rest) > 1:
            raise Stop(USAGE, 2)
        if not os.path.exists(rest[0]):
            raise Stop("qsub: script file:: No such file or directory\n", 1)
        script, name = content(rest[0]), os.path.basename(rest[0])
    else:
        script, name = sys.stdin.read(), "STDIN"
    if "-C" not in options:
        lines = []
        for line in script.splitlines():
            if line and line[0] not in "#:":
                break
            lines += line[4:].split() if line.startswith("#PBS") else []
        options = merge(parse(lines)[0], options)
    name = options.get("-N", [name])[-1]
    if not re.fullmatch(r"[A-Za-z0-9._+-]+", name):
        raise Stop("qsub: illegal -N value\n" + USAGE, 2)
    if len(name) > 236:
        raise Stop("qsub: Job name is too long \n", 2)
    array = options.get("-J", [None])[-1]
    found = RANGE.fullmatch(array) if array else None
    if array and (not found or int(found[1]) >= int(found[2]) or found[3] == "0"):
        raise Stop("qsub: illegal -J value\n" + USAGE, 2)
    with state() as server:
        print(submit(server, options, script, name, found))


def parse(words):
    try:
        pairs, rest = getopt.getopt(words, "a:A:c:C:e:fhIXj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:W:v:Vz")
    except getopt.GetoptError as error:
        raise Stop(f"qsub: {error.msg}\n{USAGE}", 2) from None
    options = {}
    for name, value in pairs:
        options.setdefault(name, []).append(value)
    return options, rest


def merge(script, given):
    return {**script, **given}


def submit(server, options, script, name, array):
    queue = options.get("-q", ["workq"])[-1]
    if queue not in server["queues"]:
        raise Stop("qsub: Unknown queue\n", NO_QUEUE)
    if server["queues"][queue].get("closed"):
        raise Stop("qsub: Queue is not enabled\n", CLOSED)
    resources = {}
    for text in options.get("-l", []):
        for word in text.split(",") if "select" not in text else [text]:
            key, _, value = word.partition("=")
            if key not in KNOWN_RESOURCES:
                raise Stop(f"qsub: Unknown resource Resource_List.{key}\n", NO_RESOURCE)
            resources[key] = value
    walltime = seconds(resources["walltime"]) if "walltime" in resources else None
    most = server["queues"][queue].get("walltime")
    if most and (walltime or 0) > most:
        raise Stop("qsub: Job violates queue and/or server resource limits\n", OVER_LIMIT)
    waits = []
    for text in options.get("-W", []):
        if text.startswith("depend="):
            for term in text[7:].split(","):
                kind, *names = term.split(":")
                if kind not in ("after", "afterok", "afternotok", "afterany"):
                    raise Stop("qsub: illegal -W value\n" + USAGE, 2)
                waits += [(kind, full(server, name)) for name in names]
    number = server["next"]
    server["next"] += 1
    suffix = f".{server['server']}"
    hosts, cpus = chunks(server, resources.get("select", "1:ncpus=1"))
    begin = time.mktime(time.strptime(options["-a"][-1].partition(".")[0], "%Y%m%d%H%M")) if "-a" in options else 0
    here = os.getcwd()
    job = {
        "id": f"{number}[]{suffix}" if array else f"{number}{suffix}",
        "name": name,
        "queue": queue,
        "script": script,
        "user": os.environ.get("STAND_IN_USER") or pwd.getpwuid(os.getuid()).pw_name,
        "folder": here,
        "hosts": hosts,
        "cpus": cpus,
        "walltime": walltime,
        "state": "H" if "-h" in options or waits else "W" if begin > time.time() else "Q",
        "begin": begin,
        "hold": "u" if "-h" in options else "s" if waits else "n",
        "depend": waits,
        "ctime": time.time(),
        "mtime": time.time(),
        "environment": variables(options),
        "path": os.environ.get("PATH", ""),
        "substate": 10,
        "account": options.get("-A", [None])[-1],
        "resources": resources,
        "given": sys.argv[1:],
        "out": os.path.join(here, options.get("-o", [f"{name}.o{number}"])[-1]),
        "err": os.path.join(here, options.get("-e", [f"{name}.e{number}"])[-1]),
    }
    server["jobs"][job["id"]] = job
    if array:
        first, last, each = int(array[1]), int(array[2]), int(array[3] or 1)
        job.update(array=True, most=int(array[4] or 0), indices=array[0].partition("%")[0])
        for index in range(first, last + 1, each):
            name_ = f"{number}[{index}]{suffix}"
            ends = {key: job[key] if job[key] == os.devnull else f"{job[key]}.{index}" for key in ("out", "err")}
            task = {
                **job,
                **ends,
                "id": name_,
                "parent": job["id"],
                "index": index,
                "state": "Q",
                "depend": [],
                "array": False,
            }
            server["jobs"][name_] = task
    return job["id"]


def variables(options):
    given = dict(os.environ) if "-V" in options else {}
    for text in options.get("-v", []):
        for word in text.split(","):
            key, equals, value = word.partition("=")
            given[key] = value if equals else os.environ[key]
    return given


def chunks(server, select):
    """A line of the node file for each process, and the CPUs of the first chunk."""
    lines, first, at = [], None, 0
    for part in select.split("+"):
        words = part.split(":")
        count = int(words[0]) if words[0].isdigit() else 1
        values = dict(word.partition("=")[::2] for word in words if "=" in word)
        first = first or int(values.get("ncpus", 1))
        for _ in range(count):
            host = values.get("host", server["nodes"][at % len(server["nodes"])])
            lines += [host] * int(values.get("mpiprocs", 1))
            at += 1
    return lines, first


def seconds(text):
    total = 0
    for part in text.split(":"):
        if not part.isdigit():
            raise Stop("qsub: Illegal attribute or resource value Resource_List.walltime\n", BAD_VALUE)
        total = total * 60 + int(part)
    return total


# --- questions, and what is done to jobs


def full(server, name):
    return name if "." in name else f"{name}.{server['server']}"


def qstat(words):
    pairs, names = getopt.gnu_getopt(words, "xtfwHJaF:")
    flags = {name for name, _ in pairs}
    code = 0
    with state() as server:
        if "-x" in flags and not server["history"]:
            for name in names:
                sys.stderr.write(f"qstat: PBS is not configured to maintain job history {full(server, name)}\n")
            return 0
        shown = []
        for name in map(lambda one: full(server, one), names):
            job = server["jobs"].get(name)
            if job is None:
                sys.stderr.write(f"qstat: Unknown Job Id {name}\n")
                code = UNKNOWN
            elif job["state"] == "F" and "-x" not in flags:
                sys.stderr.write(f"qstat: {name} Job has finished, use -x or -H to obtain historical job information\n")
                code = FINISHED
            else:
                shown.append(job)
        if not names:
            shown = [
                job
                for job in server["jobs"].values()
                if not job.get("parent") and (job["state"] != "F" or "-x" in flags)
            ]
        if "-t" in flags:
            shown = [one for job in shown for one in (job, *tasks(server, job))]
        print_jobs(server, shown, "-f" in flags)
    return code


def tasks(server, job):
    return [other for other in server["jobs"].values() if other.get("parent") == job["id"]]


def print_jobs(server, jobs, is_full):
    if is_full:
        for job in jobs:
            print(record(server, job))
    elif jobs:
        sys.stdout.write(TABLE)
        for job in jobs:
            name = job["name"] if len(job["name"]) <= 15 else job["name"][:15] + "*"
            used = "00:00:00" if "stime" in job and not job.get("array") else "0"
            print(f"{job['id']:<17} {name:<16} {job['user']:<16} {used:>9} {job['state']} {job['queue']:<16}")


def record(server, job):
    lines = [f"Job Id: {job['id']}"]

    def add(name, value):
        text = f"    {name} = {value}"
        parts = []
        while len(text) > 79 and "," in text[5:78]:
            cut = text.rfind(",", 0, 79) + 1
            parts.append(text[:cut])
            text = "\t" + text[cut:]
        lines.extend([*parts, text])

    add("Job_Name", job["name"])
    add("Job_Owner", f"{job['user']}@{server['server']}")
    if "code" in job and not job.get("array"):
        add("resources_used.cput", "00:00:00")
        add("resources_used.mem", "1024kb")
        add("resources_used.walltime", "00:00:01")
    add("job_state", job["state"])
    add("queue", job["queue"])
    add("server", server["server"])
    if job.get("account"):
        add("Account_Name", job["account"])
    add("ctime", time.ctime(job["ctime"]))
    if job["depend"]:
        add("depend", ",".join(f"{kind}:{name}@{server['server']}" for kind, name in job["depend"]))
    add("Error_Path", f"{server['server']}:{job['err']}")
    if "stime" in job and not job.get("array"):
        add("exec_host", "+".join(f"{host}/{index}" for index, host in enumerate(job["hosts"])))
    add("Hold_Types", job["hold"] if job["state"] == "H" else "n")
    add("mtime", time.ctime(job["mtime"]))
    add("Output_Path", f"{server['server']}:{job['out']}")
    add("qtime", time.ctime(job["ctime"]))
    add("Resource_List.ncpus", job["cpus"])
    add("Resource_List.nodect", len({*job["hosts"]}))
    for name, value in sorted(job["resources"].items()):
        add(f"Resource_List.{name}", value)
    if "stime" in job:
        add("stime", time.ctime(job["stime"]))
    add("substate", job["substate"])
    kept = {name: value for name, value in job["environment"].items() if "\n" not in value}
    add(
        "Variable_List",
        ",".join(f"{name}={value}" for name, value in {**kept, "PBS_O_HOST": server["server"]}.items()),
    )
    if job["state"] == "F" and job.get("deleted"):
        add("comment", f"Job run and terminated by {job['user']}@{server['server']}")
    elif job.get("late"):
        add("comment", "Job run and exceeded resource walltime")
    if "code" in job:
        add("Exit_status", job["code"])
    if job.get("array"):
        add("array", "True")
        add("array_indices_submitted", job["indices"])
        left = [str(task["index"]) for task in tasks(server, job) if task["state"] == "Q"]
        add("array_indices_remaining", ",".join(left) or "-")
    add("Submit_arguments", " ".join(job["given"][:1]))
    add("project", "_pbs_project_default")
    return "\n".join(lines) + "\n"


def each(command, words, action):
    """Do something to each job; complaints in PBS's words."""
    code = 0
    with state() as server:
        for name in map(lambda one: full(server, one), words):
            job = server["jobs"].get(name)
            if job is None:
                sys.stderr.write(f"{command}: Unknown Job Id {name}\n")
                code = UNKNOWN
            elif job["state"] == "F":
                sys.stderr.write(
                    f"{command}: Job has finished {name}\n" if command == "qdel" else f"{command}: Job has finished\n"
                )
                code = FINISHED
            else:
                action(server, job)
    return code


def delete(server, job):
    for one in tasks(server, job) if job.get("array") else [job]:
        if one["state"] == "R":
            one["deleted"] = True
            os.killpg(one["pid"], signal.SIGTERM)
        elif one["state"] in "QHW":
            one.update(state="X" if one.get("parent") else "F", substate=91, mtime=time.time())
    if job.get("array") and all(task["state"] in "XF" for task in tasks(server, job)):
        job.update(state="F", substate=91)


def hold(server, job):
    if job["state"] in "QHW":
        job.update(state="H", hold="u")


def release(server, job):
    if job["state"] == "H" and job["hold"] == "u":
        job.update(state="Q", hold="n")


def qalter(words):
    options, names = parse(words)

    def alter(server, job):
        job["name"] = options.get("-N", [job["name"]])[-1]
        for text in options.get("-l", []):
            if text.startswith("walltime="):
                job["walltime"] = seconds(text[9:])
                job["resources"]["walltime"] = text[9:]

    return each("qalter", names, alter)


def qsig(words):
    pairs, names = getopt.getopt(words, "s:")
    number = signal.Signals[f"SIG{dict(pairs)['-s'].removeprefix('SIG')}"]

    def send(server, job):
        for pid in descendants(job["pid"]):
            os.kill(pid, number)

    return each("qsig", names, send)


def descendants(root):
    found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout.split()
    parents = dict(zip(map(int, found[::2]), map(int, found[1::2]), strict=True))
    below = [root]
    for pid in below:
        below += [child for child, parent in parents.items() if parent == pid]
    return below[1:]


def main():
    command = os.path.basename(sys.argv[0])
    words = sys.argv[1:]
    if words[:1] == ["--run"]:
        return run(json.loads(words[1]))
    if command == "pbs_tmrsh":
        return subprocess.run(words[1:]).returncode
    simple = {"qdel": delete, "qhold": hold, "qrls": release}
    try:
        if command in simple:
            return each(command, words, simple[command])
        return {"qsub": qsub, "qstat": qstat, "qalter": qalter, "qsig": qsig}[command](words)
    except Stop as stop:
        sys.stderr.write(stop.text)
        return stop.code


if __name__ == "__main__":
    sys.exit(main())
