"""What the server tells of jobs, queues, itself and its nodes, in its order."""

# mypy: ignore-errors

import os
import time

from openpbs import placing
from openpbs.resources import clock, kilobytes
from openpbs.state import SPEED, VERSION, shown, tasks

TAG = "jsdl-hpcpa"


def _moment(seconds):
    return time.ctime(seconds) if seconds else None


def job(server, one):
    """A job's attributes that have a value."""
    array, done = one.get("array"), one["state"] in "FX"
    ran = bool(one.get("places")) and not array
    place = (placing.hosts(one["places"]), placing.vnodes(one["places"])) if ran else (None, None)
    found = [
        ("Job_Name", one["name"]), ("Job_Owner", f"{one['user']}@{server['server']}"), *_used(one, ran, done),
        ("job_state", one["state"]), ("queue", one["queue"]), ("server", server["server"]),
        ("Account_Name", one["account"]), ("Checkpoint", "u"), ("ctime", _moment(one["ctime"])),
        ("depend", _depend(server, one)), ("Error_Path", f"{one['err_host']}:{shown(one['err'])}"),
        ("exec_host", place[0]), ("exec_vnode", place[1]), ("Execution_Time", _moment(one["begin"])),
        ("Hold_Types", one["hold"]), ("Join_Path", one["join"]), ("Keep_Files", one["keep"]),
        ("Mail_Points", one["mail"]), ("Mail_Users", one["mail_users"]), ("mtime", _moment(one["mtime"])),
        ("Output_Path", f"{one['out_host']}:{shown(one['out'])}"), ("Priority", str(one["priority"])),
        ("qtime", _moment(one["ctime"])), ("Rerunable", str(one["rerunnable"])),
        *((f"Resource_List.{name}", value) for name, value in one["resources"].items()),
        ("stime", _moment(one.get("stime"))), ("obittime", _moment(one.get("obittime"))),
        ("session_id", str(one["pid"]) if ran and not done and is_told(one) else None),
        ("Shell_Path_List", one["shell"]),
        ("jobdir", shown(os.path.expanduser("~")) if ran else None), ("substate", _substate(one)),
        ("Variable_List", _variables(server, one)), ("comment", one.get("comment")), ("etime", _etime(one)),
        ("umask", str(int(one["umask"])) if one["umask"] else None), ("block", one["block"] and "True"),
        ("run_count", str(one["runs"]) if ran else None), *_end(one, ran, done),
        ("Submit_arguments", one["submit_arguments"]), *_command(one), *_array(server, one, array),
        ("history_timestamp", str(int(one["mtime"])) if one["state"] == "F" else None),
        ("project", one["project"] or "_pbs_project_default"), ("Submit_Host", server["server"]),
        ("max_run_subjobs", str(one["most"]) if array and one["most"] else None),
    ]  # fmt: skip
    return [(name, value) for name, value in found if value is not None]


def is_told(one):
    """Has the mom told the server of a job that runs? That takes some seconds; of one that is ended it never does."""
    return (one.get("ending", time.time()) - one["stime"]) * SPEED > 3


def _used(one, ran, done):
    if one.get("forced") or not ran or not (done or is_told(one)):
        return []
    cpus = one["resources"]["ncpus"]
    elapsed = one.get("walltime") if done else int((time.time() - one["stime"]) * SPEED)
    told = {
        "cpupercent": "0", "cput": "00:00:00", "mem": "0kb", "ncpus": cpus, "vmem": "0kb", "walltime": clock(elapsed)
    }  # fmt: skip
    return [(f"resources_used.{name}", value) for name, value in told.items()]


def used(one):
    """What a job that is over has used."""
    return _used(one, True, True)


def used_time(one):
    """CPU time, for listings."""
    told = dict(_used(one, bool(one.get("places")) and not one.get("array"), one["state"] in "FX"))
    return told.get("resources_used.cput", "0"), told.get("resources_used.walltime")


def _depend(server, one):
    told = [(kind, [f"{name}@{server['server']}" for name in names]) for kind, names in one["depend"] if kind != "on"]
    for other in server["jobs"].values():
        for kind, names in other["depend"] if other["state"] == "H" else []:
            if one["id"] in names and kind.startswith("after"):
                told.append((kind.replace("after", "before"), [f"{other['id']}@{server['server']}"]))
    return ",".join(":".join([kind, *names]) for kind, names in told) or None


def _substate(one):
    first = {"Q": 10, "H": 20, "W": 30, "B": 70, "T": 0}
    if one["state"] == "R" and not is_told(one):
        return "41"
    return str(first.get(one["state"], one.get("substate", 10)))


def _etime(one):
    return None if one["hold"] != "n" or one["state"] in "HW" or one.get("dropped") else _moment(one["ctime"])


def _variables(server, one):
    origin = {name: shown(value) for name, value in one["origin"].items() if value}
    head = {
        **{f"PBS_O_{name}": value for name, value in origin.items()},
        "PBS_O_INTERACTIVE_AUTH_METHOD": "resvport", "PBS_O_INTERACTIVE_ENCRYPT_METHOD": "",
        "PBS_O_WORKDIR": shown(one["folder"]), "PBS_O_SYSTEM": "Linux",
    }  # fmt: skip
    own = {name: shown(value).replace("\\", "\\\\").replace(",", "\\,") for name, value in one["environment"].items()}
    tail = {"PBS_O_QUEUE": one["first_queue"], "PBS_O_HOST": server["server"]}
    return ",".join(f"{name}={value}" for name, value in {**head, **own, **tail}.items())


def _end(one, ran, done):
    code = one.get("code")
    if not done or code is None:
        return []
    return [("Stageout_status", str(one.get("delivered")) if ran else None), ("Exit_status", str(code))]


def _command(one):
    words = one["command"]
    arguments = "".join(f"<{TAG}:Argument>{word}</{TAG}:Argument>" for word in words[1:])
    return [
        ("executable", f"<{TAG}:Executable>{words[0]}</{TAG}:Executable>" if words else None),
        ("argument_list", arguments or None),
    ]


def _array(server, one, array):
    if one.get("parent"):
        return [("array_id", one["parent"]), ("array_index", str(one["index"]))]
    if not array:
        return []
    found, over = tasks(server, one), one["state"] == "F"
    count = {state: 0 if over else sum(task["state"] == state for task in found) for state in "QREX"}
    words = zip(("Queued", "Running", "Exiting", "Expired"), count.values(), strict=True)
    left = [task["index"] for task in found if task["state"] == "Q"]
    return [
        ("array", "True"), ("array_state_count", " ".join(f"{word}:{number}" for word, number in words)),
        ("array_indices_submitted", one["indices"]), ("array_indices_remaining", _ranges(left) or "-"),
    ]  # fmt: skip


def _ranges(numbers):
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{first}-{last}" if first != last else str(first) for first, last in parts)


# --- queues and the server


def counts(server, queue=None):
    """How many jobs are in each state."""
    mine = [one for one in server["jobs"].values() if queue in (None, one["queue"]) and one["state"] not in "FX"]
    words = {"Transit": "T", "Queued": "Q", "Held": "H", "Waiting": "W", "Running": "R", "Exiting": "E", "Begun": "B"}
    return {word: sum(one["state"] == state for one in mine) for word, state in words.items()}


def _count_text(found):
    return "".join(f"{word}:{number} " for word, number in found.items())


def _assigned(server, queue=None):
    mine = [
        one for one in server["jobs"].values()
        if one["state"] == "R" and not one.get("array") and queue in (None, one["queue"])
    ]  # fmt: skip
    found = {name: sum(int(one["resources"].get(name, 0)) for one in mine) for name in ("ncpus", "nodect")}
    if mine:
        found["mpiprocs"] = sum(int(one["resources"].get("mpiprocs", 0)) for one in mine)
        sizes = sum(kilobytes(one["resources"]["mem"]) for one in mine if "mem" in one["resources"])
        found["mem"] = f"{sizes >> 20}gb"
    return [(f"resources_assigned.{name}", str(value)) for name, value in sorted(found.items())]


def queue(server, name):
    """A queue's attributes."""
    of = server["queues"][name]
    number = counts(server, name)
    idle = not of.get("enabled", True) or not of.get("started", True)
    return [
        ("queue_type", "Execution"), ("total_jobs", str(sum(number.values()))), ("state_count", _count_text(number)),
        *((f"resources_max.{key}", value) for key, value in of.get("most", {}).items()),
        *((f"resources_default.{key}", value) for key, value in of.get("default", {}).items()),
        *([] if idle else _assigned(server, name)), ("enabled", str(of.get("enabled", True))),
        ("started", str(of.get("started", True))),
    ]  # fmt: skip


def whole(server):
    """The server's attributes."""
    number = counts(server)
    return [
        ("server_state", "Active"), ("server_host", server["server"]), ("scheduling", "True"),
        ("total_jobs", str(len(server["jobs"]))), ("state_count", _count_text(number)), ("acl_roots", "root@*"),
        ("default_queue", "workq"), ("log_events", "511"),
        ("mailer", "/home/bob/kit/fakemail.sh"), ("mail_from", "adm"), ("query_other_jobs", "True"),
        ("resources_default.ncpus", "1"), ("default_chunk.ncpus", "1"), *_assigned(server),
        ("scheduler_iteration", "20"), ("resv_enable", "True"), ("node_fail_requeue", "310"),
        ("max_array_size", "10000"), ("resend_term_delay", "5"), ("pbs_license_min", "0"),
        ("pbs_license_max", "2147483647"), ("pbs_license_linger_time", "31536000"),
        ("license_count", "Avail_Global:1000000 Avail_Local:1000000 Used:0 High_Use:0"), ("pbs_version", VERSION),
        ("eligible_time_enable", "False"), ("job_history_enable", str(server["history"])),
        ("max_concurrent_provision", "5"), ("clear_topjob_estimates_enable", "False"),
        ("max_job_sequence_id", "9999999"),
    ]  # fmt: skip


# --- nodes


def node(server, name, dense=False, epoch=False):
    """A node's attributes; `dense` as JSON has them, `epoch` with times as numbers."""
    held, alone = placing.taken(server, name)
    of, here = server["nodes"][name], _jobs_on(server, name)
    state = "job-exclusive" if alone else "job-busy" if held["ncpus"] >= server["cpus"] else "free"
    state = ("offline" if state == "free" else f"offline,{state}") if of.get("offline") else state
    known = {
        "arch": "linux", "bigmem": of.get("bigmem"), "feature": of["features"], "host": name,
        "mem": f"{server['mem'] >> 20}gb", "ncpus": str(server["cpus"]), "ngpus": str(of["ngpus"]), "vnode": name,
    }  # fmt: skip
    taken = {
        "accelerator_memory": "0kb", "hbmem": "0kb", "mem": f"{held['mem']}kb", "naccelerators": "0",
        "ncpus": str(held["ncpus"]), "ngpus": str(held["ngpus"]) if held["ngpus"] or name == "pbsn1" else None,
        "vmem": "0kb",
    }  # fmt: skip
    if dense:
        taken = {key: value for key, value in taken.items() if value not in (None, "0", "0kb")}
    began = server.setdefault("started", time.time())
    moment = str(int(began)) if dense or epoch else time.ctime(began)
    found = [
        ("Mom", name), ("ntype", "PBS"), ("state", state), ("pcpus", "2"),
        ("jobs", ([job.partition("/")[0] for job in here] if dense else ", ".join(here)) or None),
        *((f"resources_available.{key}", value) for key, value in known.items()),
        *((f"resources_assigned.{key}", value) for key, value in taken.items()), ("resv_enable", "True"),
        ("sharing", "default_shared"), ("license", "l"), ("last_state_change_time", moment), ("last_used_time", moment),
    ]  # fmt: skip
    return [(key, value) for key, value in found if value is not None]


def _jobs_on(server, name):
    found = []
    for one in server["jobs"].values():
        if one["state"] == "R" and not one.get("array"):
            cpus = sum(int(dict(place["counted"])["ncpus"]) for place in one["places"] if place["node"] == name)
            found += [f"{one['id']}/{slot}" for slot in range(cpus)]
    return found
