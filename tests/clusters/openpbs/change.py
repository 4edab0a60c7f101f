"""qdel, qhold, qrls, qalter, qsig, qrerun."""

# mypy: ignore-errors

import signal
import sys
import time

from openpbs import grammar, mom, resources, server
from openpbs.qsub import begin_time, depend_list
from openpbs.state import FINISHED, UNKNOWN, Stop, full, state, tasks, user

FORBIDDEN, WRONG_STATE = 159, 168


def each(command, names, action, over="Job has finished"):
    """Do something to each job; complaints in PBS's words, and the exit status of the last one."""
    code = 0
    with state() as known:
        for word in names:
            name = full(known, word)
            if not name:
                sys.stderr.write(f"{command}: illegally formed job identifier: {word}\n")
                code = 1
                continue
            job = known["jobs"].get(name)
            try:
                if job is None:
                    raise Stop(f"{command}: Unknown Job Id {name}\n", UNKNOWN)
                if job["state"] == "F" and over is not None:
                    raise Stop(f"{command}: {over.format(name)}\n", FINISHED)
                if user() not in (job["user"], "root"):
                    raise Stop(f"{command}: Unauthorized Request  {name}\n", FORBIDDEN)
                action(known, job)
            except Stop as stop:
                sys.stderr.write(stop.text)
                code = stop.code
    return code


def qdel(words):
    """End jobs; with -x they are forgotten, too."""
    options, names = grammar.parse("qdel", "W:x", words, "usage: qdel [-W ...] [-x] job_identifier...\n")

    def remove(known, job):
        server.delete(known, job, user(), ("W", "force") in options)
        if ("x", "") in options and job["state"] == "F":
            for one in (job, *tasks(known, job)):
                del known["jobs"][one["id"]]

    return each("qdel", names, remove, None if ("x", "") in options else "Job has finished {}")


def qhold(words):
    """Hold jobs."""
    options, names = grammar.parse("qhold", "h:", words, grammar.QHOLD)
    kinds = dict(options).get("h", "u")
    if not set(kinds) <= set("uosnp"):
        raise Stop("qhold: illegal -h value\n" + grammar.QHOLD, 2)

    def hold(known, job):
        if set(kinds) & set("os") and user() != "root":
            raise Stop(f"qhold: Unauthorized Request  {job['id']}\n", FORBIDDEN)
        if job["state"] in "QHW":
            job.update(state="H", hold="u", mtime=time.time())

    return each("qhold", names, hold)


def qrls(words):
    """Let held jobs go."""

    def release(known, job):
        if job["state"] == "H" and job["hold"] == "u":
            waits = "H" if job["depend"] else "W" if job["begin"] > time.time() else "Q"
            job.update(state=waits, hold="s" if job["depend"] else "n", mtime=time.time())

    return each("qrls", words, release)


def qalter(words):
    """Change jobs."""
    letters = "a:A:c:e:h:j:k:l:m:M:N:o:p:P:r:R:S:u:W:"
    options, names = grammar.parse("qalter", letters, words, grammar.QALTER)
    keys = {"N": "name", "A": "account", "P": "project", "r": "rerunnable", "p": "priority", "m": "mail"}

    def alter(known, job):
        for letter, value in options:
            if letter in keys:
                job[keys[letter]] = {"r": value == "y", "p": value}.get(letter, value)
            elif letter == "a":
                job.update(begin=begin_time(value))
            elif letter == "W":
                job.update(depend=depend_list(known, value.removeprefix("depend="), "qalter"))
        asked = [value for letter, value in options if letter == "l"]
        if asked:
            _alter_resources(known, job, asked)

    return each("qalter", names, alter)


def _alter_resources(known, job, asked):
    longer = [text for text in asked if text.startswith("walltime=")]
    if longer and job["state"] == "R":
        now, wanted = job["resources"].get("walltime"), resources.time_text(longer[0].partition("=")[2])
        if now and wanted > now:
            raise Stop(f"qalter: Unauthorized Request  {job['id']}\n", FORBIDDEN)
    job["asked"] = [*job["asked"], *asked]
    queue = known["queues"][job["queue"]]
    job["resources"] = resources.requested(job["asked"], queue)


def qsig(words):
    """Signal jobs."""
    options, names = grammar.parse("qsig", "s:", words, "usage: qsig [-s signal] job_identifier...\n")
    name = dict(options).get("s", "TERM").removeprefix("SIG")

    def send(known, job):
        if name in ("suspend", "resume") and user() != "root":
            raise Stop(f"qsig: Unauthorized Request  {job['id']}\n", FORBIDDEN)
        if job["state"] not in "RS":
            raise Stop(f"qsig: Request invalid for state of job {job['id']}\n", WRONG_STATE)
        if name in ("suspend", "resume"):
            job.update(state="S" if name == "suspend" else "R", substate=43 if name == "suspend" else 42)
            mom.signal_all(job, signal.SIGSTOP if name == "suspend" else signal.SIGCONT)
            return
        number = int(name) if name.isdigit() else getattr(signal, f"SIG{name}", None)
        if number is None:
            raise Stop(f"qsig: Unknown/illegal signal name {job['id']}\n", 165)
        mom.signal_all(job, number)

    return each("qsig", names, send)


def qrerun(words):
    """Start jobs over."""

    def rerun(known, job):
        if user() != "root":
            raise Stop(f"qrerun: Unauthorized Request  {job['id']}\n", FORBIDDEN)
        if job["state"] != "R":
            raise Stop(f"qrerun: Request invalid for state of job {job['id']}\n", WRONG_STATE)
        if not job["rerunnable"]:
            raise Stop(f"qrerun: job is not rerunnable {job['id']}\n", 190)
        job["rerun"] = True
        mom.signal_all(job, signal.SIGKILL)

    return each("qrerun", words, rerun)


COMMANDS = {"qdel": qdel, "qhold": qhold, "qrls": qrls, "qalter": qalter, "qsig": qsig, "qrerun": qrerun}
