"""What happens to jobs: they start where there is room, end, wait for each other, and are forgotten."""

# mypy: ignore-errors

import os
import signal
import time

from openpbs import mailing, mom, placing, torque_shown
from openpbs.resources import kilobytes
from openpbs.state import HOME, content, tasks

RUNS = "RES"
KEYS = ("out", "err")


def add(server, job, indices):
    """A new job, with the subjobs of an array."""
    held = job["hold"] == "u" or job["depend"]
    waits = job["begin"] > time.time()
    job.update(state="H" if held else "W" if waits else "Q", runs=0)
    job["hold"] = job["hold"] if job["hold"] == "u" else "s" if job["depend"] else "n"
    server["jobs"][job["id"]] = job
    for kind, names in job["depend"]:
        if kind.startswith("before"):
            for name in names:
                other = server["jobs"][name]
                other["depend"] = [[kind.replace("before", "after"), [job["id"]]]]
    job["depend"] = [one for one in job["depend"] if not one[0].startswith("before")]
    if not job["depend"] and job["hold"] == "s":
        job.update(hold="n", state="Q")
    for index in indices:
        own = {"id": job["id"].replace("[]", f"[{index}]"), "parent": job["id"], "index": index, "state": "Q"}
        task = {**job, **own, "array": False, "depend": [], "hold": "n"}
        task.update({key: job[key].replace("^array_index^", str(index)) for key in KEYS})
        server["jobs"][task["id"]] = task


def step(server):
    """Take in what ended, and start what can be started; what ended may let others go."""
    for _ in range(2):
        _step(server, server["jobs"])


def _step(server, jobs):
    for job in jobs.values():
        if job["state"] in RUNS and not job.get("array"):
            _look(server, job)
    for job in list(jobs.values()):
        if job["state"] == "H" and job["hold"] == "s":
            _depend(server, job)
        if job["state"] == "W" and job["begin"] <= time.time():
            job["state"] = "Q"
        if job["state"] == "Q" and not job.get("array") and server["scheduling"]:
            _try(server, job)
    for job in jobs.values():
        if job.get("array"):
            _sum_up(server, job)
    if not server["history"]:
        for name in [name for name, job in jobs.items() if job["state"] == "F"]:
            server.setdefault("codes", {})[name] = jobs.pop(name).get("code")


def _look(server, job):
    """Has it ended, or run for too long?"""
    end = os.path.join(HOME, job["id"] + ".end")
    if os.path.exists(end):
        finish(server, job, *map(int, content(end).split()))
        os.unlink(end)
    elif mom.is_late(job):
        job["late"] = True
        mom.warn(job, mom.too_late(job))
        mom.signal_all(job, signal.SIGTERM)
    elif server["enforces"] and "mem" in job["resources"] and not job.get("greedy"):
        _weigh(job)


def _weigh(job):
    """Does it have more memory than it asked for?"""
    limit, used = kilobytes(job["resources"]["mem"]), mom.memory(job)
    if used > limit:
        job["greedy"] = True
        mom.warn(job, f"mem {used}kb exceeded limit {limit}kb")
        mom.signal_all(job, signal.SIGTERM)


def finish(server, job, code, delivered):
    """It is over."""
    code = -29 if job.get("late") else -27 if job.get("greedy") else code
    if job.get("parent") and not server["history"]:
        code = int(bool(code))  # all that is kept of a subjob
    substate = 91 if job.get("deleted") else 93 if code else 92
    word = "terminated by {user}@{server}" if job.get("deleted") else "failed" if code else "finished"
    word = "exceeded resource walltime" if job.get("late") else word
    job["comment"] = f"{job['began']} and {word.format(user=job.get('deleted'), server=server['server'])}"
    job.update(state="X" if job.get("parent") else "F", code=code, substate=substate, delivered=delivered)
    job.update(mtime=time.time(), obittime=time.time(), walltime=int(time.time() - job["stime"]))
    if job.pop("rerun", False):
        job.update(state="Q", code=None)
    else:
        mailing.tell_end(server, job)


def _depend(server, job):
    for kind, names in job["depend"]:
        for name in names:
            other = server["jobs"].get(name)
            met = _is_met(kind, other)
            if met is None:
                job.update(state="F", substate=92, mtime=time.time(), comment=None, dropped=True)
            if not met:
                return
    job.update(state="Q", hold="n", depend=[], mtime=time.time())


def _is_met(kind, other):
    """None: it never can be."""
    if kind in ("on", "runone"):
        return bool(kind == "runone" and (other is None or other["state"] == "F"))
    if other is None:
        return None
    if other["state"] != "F":
        return kind == "after" and other["state"] in "REB"
    well = other.get("code") == 0
    return True if kind in ("after", "afterany") or well == (kind == "afterok") else None


def _try(server, job):
    queue, parent = server["queues"][job["queue"]], server["jobs"].get(job.get("parent", ""))
    if parent and parent["state"] in "HW":
        return
    if not queue.get("started", True):
        job["comment"] = "Not Running: Queue not started."
        return
    if parent and parent["most"] and sum(one["state"] in RUNS for one in tasks(server, parent)) >= parent["most"]:
        return
    places, why = placing.place(server, job)
    if places is None:
        job["comment"] = why
        return
    stamp = time.strftime("%a %b %d at %H:%M")
    job["places"] = places
    job["began"] = job["comment"] = f"Job run at {stamp} on {placing.vnodes(places)}"
    job.update(state="R", substate=42, stime=time.time(), mtime=time.time(), runs=job["runs"] + 1)
    if server["torque"]:
        torque_shown.slots(server, job)
    job["pid"] = mom.start(server, job)
    mailing.tell(server, job, "b", "Begun execution")
    if parent and parent["state"] == "Q":
        parent.update(state="B", substate=70, stime=time.time(), comment=f"Job Array Began at {stamp}")


def _sum_up(server, job):
    """An array is what its subjobs are."""
    found = tasks(server, job)
    if job["state"] in "QHWB" and all(task["state"] in "XF" for task in found):
        failed = any(task.get("code") for task in found)
        word = " and finished" if job["state"] == "B" else ""
        job.update(state="F", code=int(failed), substate=93 if failed else 92, mtime=time.time())
        job["substate"] = 91 if job.get("deleted") else job["substate"]
        job["comment"] = (job.get("comment") or "") + word if word else job.get("comment")
        for task in found:
            task["state"] = "F"


def delete(server, job, who, force=False):
    """qdel."""
    for one in tasks(server, job) if job.get("array") else [job]:
        if one["state"] in RUNS:
            one.update(
                deleted=who, ending=time.time(), comment=f"{one['began']} and terminated by {who}@{server['server']}"
            )
            mom.signal_all(one, signal.SIGKILL if force else signal.SIGTERM)
            if force:
                one["forced"] = True
                finish(server, one, 256 + signal.SIGKILL, 1)
        elif one["state"] in "QHW":
            one.update(state="X" if one.get("parent") else "F", substate=91, mtime=time.time(), deleted=who)
    if job.get("array"):
        job["deleted"] = who
        if all(one["state"] in "XF" for one in tasks(server, job)):
            job.update(state="F", substate=91, mtime=time.time())
