"""What Torque shows: jobs as XML or in a table, queues, the server, nodes."""

# mypy: ignore-errors

import sys
import time
from xml.sax.saxutils import escape

from openpbs import attributes, grammar, placing
from openpbs.resources import clock, seconds
from openpbs.state import SPEED, Stop, full, shown, state, tasks

USAGE = """\
usage: 
                          qstat [-f [-1]] [-W site_specific] [-x] [ job_identifier... | destination... ]
                          qstat [-a|-i|-r|-e] [-u user] [-n [-1]] [-s] [-t] [-G|-M] [-R] [job_id... | destination...]
                          qstat -Q [-f [-1]] [-W site_specific] [ destination... ]
                          qstat -q [-G|-M] [ destination... ]
                          qstat -B [-f [-1]] [-W site_specific] [ server_name... ]
                          qstat -t
"""
HEAD = """\
Job ID                    Name             User            Time Use S Queue
------------------------- ---------------- --------------- -------- - -----
"""
WIDTH = 78
CODES = {-29: -11, -27: -10}  # what OpenPBS's mom says of limits, and what this one does
TERMINATED = 271
RATE = 45  # seconds from one report of what a job uses to the next
STATES = ("Transit", "T"), ("Queued", "Q"), ("Held", "H"), ("Waiting", "W"), ("Running", "R"), ("Exiting", "E")


def qstat(words):
    """Show jobs, queues, the server."""
    options, names = grammar.parse("qstat", "1aBefGiMnqQrRstu:W:x", words, USAGE)
    flags = dict(options)
    with state() as server:
        if "Q" in flags or "B" in flags:
            (_queues if "Q" in flags else _server)(server)
            return 0
        groups, code = _chosen(server, names)
        if "x" in flags:
            for group in groups:
                text = "".join(map(lambda job: _job(server, job), group))
                sys.stdout.write(f"<Data>{text}</Data>\n" if group else "")
        elif any(groups):
            sys.stdout.write(HEAD)
            for job in (job for group in groups for job in group):
                _line(server, job)
    return code


def _chosen(server, names):
    """The jobs of each name, or all; and the exit status."""
    groups, code = [], 0
    for word in names:
        name = full(server, word)
        if not name:
            sys.stderr.write(f"qstat: Unknown queue destination {word}\n")
            code = 172
        elif name not in server["jobs"]:
            sys.stderr.write(f"qstat: Unknown Job Id Error {name}\n")
            code = 153
        else:
            groups.append(_apart(server, server["jobs"][name]))
    if not names:
        groups = [[one for one in server["jobs"].values() if not one.get("array")]]
    return groups, code


def _apart(server, job):
    return tasks(server, job) if job.get("array") else [job]


def _held(server, job):
    """The letter of its state, and its holds: a task has those of its array."""
    parent = server["jobs"].get(job.get("parent", ""), job)
    if job["state"] in "FX":
        return "C", job["hold"]
    waits = job["state"] == "Q" and parent["state"] in "HW"
    return (parent["state"], parent["hold"]) if waits else (job["state"], job["hold"])


def _line(server, job):
    used, _ = attributes.used_time(job)
    letter, _ = _held(server, job)
    print(f"{job['id']:<25}  {job['name']:<16} {job['user']:<15} {used:>8} {letter} {job['queue']:<15}")


# --- XML


def _element(name, value):
    if value is None:
        return ""
    if isinstance(value, list):
        return f"<{name}>{''.join(_element(*pair) for pair in value)}</{name}>" if value else ""
    return f"<{name}>{escape(str(value), {chr(34): '&quot;'})}</{name}>"


def _job(server, one):
    letter, hold = _held(server, one)
    ran, done, host = bool(one.get("places")), one["state"] in "FX", server["server"]
    hosts = slots(server, one) if ran else []
    asked = sorted((key, value) for key, value in one["resources"].items() if key not in ("select", "place", "ncpus"))
    waited = ",".join(f"{kind}:{':'.join(names)}" for kind, names in one["depend"])
    found = [
        ("Job_Id", one["id"]), ("Job_Name", one["name"]), ("Job_Owner", f"{one['user']}@{host}"),
        ("resources_used", _used(one, ran, done)), ("job_state", letter), ("queue", one["queue"]), ("server", host),
        ("Account_Name", one["account"]), ("Checkpoint", "u"), ("ctime", int(one["ctime"])),
        ("depend", waited or None), ("Error_Path", f"{one['err_host']}:{shown(one['err'])}"),
        ("exec_host", "+".join(hosts) or None), ("exec_port", "+".join(["15003"] * len(hosts)) or None),
        ("Execution_Time", int(one["begin"]) or None), ("Hold_Types", hold), ("Join_Path", one["join"]),
        ("Keep_Files", one["keep"]), ("Mail_Points", one["mail"]), ("Mail_Users", one["mail_users"]),
        ("mtime", int(one["mtime"])), ("Output_Path", f"{one['out_host']}:{shown(one['out'])}"),
        ("Priority", one["priority"]),
        ("qtime", int(one["ctime"])), ("Rerunable", one["rerunnable"]), ("Resource_List", asked),
        ("session_id", one["pid"] if ran else None), ("Variable_List", _variables(server, one)),
        ("euser", one["user"]), ("egroup", one["user"]), ("queue_type", "E"), *_ran(one, ran, done),
        ("fault_tolerant", False), ("comp_time", int(one["mtime"]) if ran and done else None), ("job_radix", 0),
        ("total_runtime", f"{one['mtime'] - one['stime']:.6f}" if ran and done else None), ("submit_host", host),
    ]  # fmt: skip
    return f"<Job>{''.join(_element(*pair) for pair in found)}</Job>"


def _ran(one, ran, done):
    """How it runs, or ran."""
    code = one.get("code") if done and ran else None
    words = [("submit_args", one["submit_arguments"] or None), ("job_array_id", one.get("index"))]
    if not ran:
        return words
    left = int(seconds(one["resources"]["walltime"]) - (time.time() - one["stime"]) * SPEED)
    return [
        ("comment", time.strftime("Job started on %a %b %d at %H:%M", time.localtime(one["stime"]))),
        ("etime", int(one["ctime"])), ("exit_status", None if code is None else _code(code)), *words,
        ("start_time", int(one["stime"])), ("Walltime", [] if done else [("Remaining", left)]),
        ("start_count", one["runs"]),
    ]  # fmt: skip


def _code(code):
    """Whatever signal its shell ended by is told as SIGTERM."""
    return TERMINATED if code > 256 else CODES.get(code, code)


def _used(one, ran, done):
    elapsed = one.get("walltime", 0) if done else int((time.time() - one["stime"]) * SPEED) if ran else 0
    if not ran or not (done or elapsed > RATE):
        return None
    return [("cput", "00:00:00"), ("mem", "0kb"), ("vmem", "0kb"), ("walltime", clock(elapsed))]


def _variables(server, one):
    origin = {f"PBS_O_{name}": shown(value) for name, value in one["origin"].items() if value}
    index = {"PBS_ARRAYID": one["index"]} if one.get("parent") else {}
    given = {
        **index, "PBS_O_QUEUE": one["first_queue"], **origin, **one["environment"],
        "PBS_O_WORKDIR": shown(one["folder"]), "PBS_O_HOST": server["server"], "PBS_O_SERVER": server["server"],
    }  # fmt: skip
    return ",".join(f"{name}={value}" for name, value in given.items())


def slots(server, job):
    """`node/0+node/1`: a CPU each, of those that nobody had when the job began."""
    if "slots" not in job:
        others = [one for one in server["jobs"].values() if one["state"] == "R" and one is not job]
        taken = {slot for one in others if not one.get("array") for slot in one.get("slots", ())}
        job["slots"] = []
        for node in placing.node_lines(job["places"]):
            free = next(f"{node}/{number}" for number in range(1 << 20) if f"{node}/{number}" not in taken)
            taken.add(free)
            job["slots"].append(free)
    return job["slots"]


# --- queues, the server, nodes


def _counted(server):
    """How many jobs are in each state."""
    mine = [_held(server, one)[0] for one in server["jobs"].values() if not one.get("array")]
    return "".join(f"{word}:{mine.count(letter)} " for word, letter in (*STATES, ("Complete", "C"))), len(mine)


def _write(head, pairs):
    print(head)
    for name, value in pairs:
        line = f"    {name} = {value}"
        print("\n\t".join([line[:WIDTH], *([line[WIDTH:]] if line[WIDTH:] else [])]))
    print()


def _queues(server):
    count, total = _counted(server)
    for name, of in server["queues"].items():
        pairs = [
            ("queue_type", "Execution"), ("total_jobs", total), ("state_count", count),
            ("resources_default.nodes", 1), ("resources_default.walltime", of["default"]["walltime"]),
            ("mtime", int(server.setdefault("started", time.time()))), ("resources_assigned.mem", "0b"),
            ("resources_assigned.nodect", 0), ("enabled", True), ("started", True),
        ]  # fmt: skip
        _write(f"Queue: {name}", pairs)


def _server(server):
    count, total = _counted(server)
    pairs = [
        ("server_state", "Active"), ("scheduling", True), ("total_jobs", total), ("state_count", count),
        ("acl_hosts", server["server"]), ("default_queue", "batch"), ("log_events", 511), ("mail_from", "adm"),
        ("resources_assigned.mem", "0b"), ("resources_assigned.nodect", 0), ("scheduler_iteration", 2),
        ("node_check_rate", 150), ("tcp_timeout", 300), ("job_stat_rate", 45), ("poll_jobs", True),
        ("mom_job_sync", True), ("pbs_version", "4.2.10"), ("keep_completed", 300),
        ("submit_hosts", server["server"]), ("allow_node_submit", True), ("next_job_number", server["next"]),
        ("net_counter", "0 0 0"), ("moab_array_compatible", True), ("nppcu", 1),
    ]  # fmt: skip
    _write(f"Server: {server['server']}", pairs)


def pbsnodes(words):
    """Show nodes."""
    _, names = grammar.parse("pbsnodes", "acdlnoqrsx", words, "usage: pbsnodes ...\n")
    with state() as server:
        for name in names or server["nodes"]:
            if name not in server["nodes"]:
                raise Stop("pbsnodes: Unknown node  MSG=cannot locate specified node\n", 1)
            held, alone = placing.taken(server, name)
            running = [one for one in server["jobs"].values() if one["state"] == "R" and not one.get("array")]
            jobs = [
                f"{slot.partition('/')[2]}/{one['id']}"
                for one in running for slot in slots(server, one) if slot.startswith(f"{name}/")
            ]  # fmt: skip
            busy = alone or held["ncpus"] >= server["cpus"]
            print(f"{name}\n     state = {'job-exclusive' if busy else 'free'}\n     np = {server['cpus']}")
            print("     ntype = cluster" + (f"\n     jobs = {','.join(jobs)}" if jobs else ""))
            print(f"     status = rectime={int(time.time())},state=free,ncpus=2,physmem=24684096kb,opsys=linux")
            print("     mom_service_port = 15002\n     mom_manager_port = 15003")
            gpus = server["nodes"][name]["ngpus"]
            print(f"     gpus = {gpus}\n" if gpus else "")
    return 0
