"""qstat: jobs, queues and the server, in its tables."""

# mypy: ignore-errors

import sys
import time

from openpbs import attributes, formats, grammar
from openpbs.resources import kilobytes
from openpbs.state import FINISHED, SPEED, UNKNOWN, Stop, full, state, tasks

LETTERS = "1aBD:EfF:GHiJMnpqQrstTu:wx"
HEAD = """\
Job id            Name             User              Time Use S Queue
----------------  ---------------- ----------------  -------- - -----
"""
PER_CENT = HEAD.replace(" Time Use S", "  % done  S")
ALTERNATE = """\

{}: 
                                                            Req'd  Req'd   Elap
Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time
--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----
"""
ESTIMATED = ALTERNATE.replace(f"{'':60}Req'd  Req'd   Elap", f"{'':75}Est\n{'':60}Req'd  Req'd   Start")
NO_HISTORY = "qstat: PBS is not configured to maintain job history {}\n"
OVER = "qstat: {} Job has finished, use -x or -H to obtain historical job information\n"


def main(words):
    """Show what is asked for."""
    options, names, faults = _read(words)
    flags = {letter: value for letter, value in options}
    if faults or ("F" in flags and "f" not in flags):
        raise Stop("".join(faults or ["qstat: conflicting options.\n"]) + grammar.QSTAT, 2)
    with state() as server:
        if "Q" in flags or "q" in flags:
            return _queues(server, flags, names)
        if "B" in flags:
            return _server(server, flags)
        return _jobs(server, flags, names)


def _read(words):
    """Options may follow names."""
    options, names, faults = [], [], []
    rest = words
    while rest:
        found, rest, wrong = grammar.read("qstat", LETTERS, rest)
        options, faults = options + found, faults + wrong
        names, rest = names + rest[:1], rest[1:]
    return options, [name for name in names if name], faults


# --- jobs


def _jobs(server, flags, names):
    shown, code = _chosen(server, flags, names)
    if "t" in flags:
        shown = [one for job in shown for one in (job, *tasks(server, job))]
    shown = [job for job in shown if _fits(job, flags)]
    if "f" in flags:
        _full(server, flags, shown, len(names))
    elif shown and any(letter in flags for letter in "ainrsHTu1M"):
        sys.stdout.write((ESTIMATED if "T" in flags else ALTERNATE).format(server["server"]))
        for job in sorted(shown, key=lambda job: "T" in flags and job["state"] not in "RB"):
            _alternate(job, flags)
    elif shown:
        sys.stdout.write(PER_CENT if "p" in flags else HEAD)
        for job in shown:
            _line(job, flags)
    return code


def _chosen(server, flags, names):
    """The jobs that are named, or all; and the exit status."""
    history, code, shown = "x" in flags or "H" in flags, 0, []
    if history and not server["history"]:
        for name in names or [""]:
            sys.stderr.write(NO_HISTORY.format(name and full(server, name)))
        return [], 0
    if not names:
        found = [job for job in server["jobs"].values() if not job.get("parent")]
        return [job for job in found if job["state"] != "F" or history], 0
    for word in names:
        name = full(server, word)
        job = server["jobs"].get(name)
        if not name and word in server["queues"]:
            shown += [job for job in server["jobs"].values() if job["queue"] == word and job["state"] not in "FX"]
        elif not name and not word[0].isdigit():
            sys.stderr.write(f"qstat: Unknown queue destination {word}\n")
            code = 170
        elif not name:
            sys.stderr.write(f"qstat: illegally formed job identifier: {word}\n")
            code = 1
        elif job is None:
            sys.stderr.write(f"qstat: Unknown Job Id {name}\n")
            code = UNKNOWN
        elif job["state"] == "F" and not history:
            sys.stderr.write(OVER.format(name))
            code = FINISHED
        else:
            shown.append(job)
    return shown, code


def _fits(job, flags):
    return (
        job["user"] in flags.get("u", job["user"]).split(",")
        and ("J" not in flags or "t" in flags or bool(job.get("array")))
        and ("i" not in flags or job["state"] in "QHWT")
        and ("r" not in flags or job["state"] in "RS")
    )


def _full(server, flags, shown, named):
    things = [(job["id"], attributes.job(server, job)) for job in shown]
    kind = flags.get("F", "")
    if kind == "json":
        # a fault of this version: of several that are named only the first comes out
        sys.stdout.write(formats.document(server, "Jobs", things[:1] if named > 1 else things))
        return
    for name, told in things:
        if kind == "dsv":
            sys.stdout.write(formats.delimited(f"Job Id: {name}", told, flags.get("D", "|")))
        else:
            sys.stdout.write(formats.full(f"Job Id: {name}", told, "w" in flags))


def _line(job, flags):
    name = job["name"] if len(job["name"]) <= 15 else job["name"][:15] + "*"
    used, _ = attributes.used_time(job)
    if "p" in flags:
        used = "0 " if job["state"] in "RB" else "-- "
    print(f"{job['id']:<17} {name:<16} {job['user']:<16}  {used:>8} {job['state']} {job['queue']:<16}")


def _cut(text, width):
    return text if len(text) <= width else text[: width - 1] + "*"


def _alternate(job, flags):
    asked, running = job["resources"], job["state"] in "RS" and not job.get("array")
    session = str(job["pid"]) if running and attributes.is_told(job) else " -- "
    elapsed = " -- "
    if running:
        elapsed = time.strftime("%H:%M", time.gmtime((time.time() - job["stime"]) * SPEED))
    elif job["state"] in "FX" and "places" in job:
        elapsed = (attributes.used_time(job)[1] or " -- ")[:5]
    if "T" in flags:
        elapsed = "   --"
    memory = asked.get("mem", " -- ")
    if "M" in flags and "mem" in asked:
        memory = f"{kilobytes(memory) // 8 >> 10}mw"
    line = (
        f"{job['id']:<15.15} {job['user']:<8.8} {job['queue']:<8.8} {_cut(job['name'], 10):<10} {session:>6} "
        f"{asked['nodect']:>3} {asked['ncpus']:>3} {memory:>6} "
        f"{asked.get('walltime', ' -- '):>5.5} {job['state']} {elapsed:>5}"
    )
    print(line, end=" " if "1" in flags else "\n")
    if "n" in flags:
        found = dict(attributes.job({"server": "", "jobs": {}}, job)).get("exec_host", " -- ")
        print(f"{found}" if "1" in flags else f"   {found}")
    if "s" in flags:
        comment = job.get("comment") or " -- "
        print(f"   {comment if len(comment) <= 73 else comment[:70] + '...'}")


# --- queues and the server


def _queues(server, flags, names):
    chosen = names or list(server["queues"])
    if "q" in flags:
        return _limits(server, chosen)
    if "f" in flags:
        things = [(name, attributes.queue(server, name)) for name in chosen]
        if flags.get("F") == "json":
            sys.stdout.write(formats.document(server, "Queue", things))
        else:
            sys.stdout.write("".join(formats.full(f"Queue: {name}", told, "w" in flags) for name, told in things))
        return 0
    print("Queue              Max   Tot Ena Str   Que   Run   Hld   Wat   Trn   Ext Type")
    print("---------------- ----- ----- --- --- ----- ----- ----- ----- ----- ----- ----")
    for name in chosen:
        of, count = server["queues"][name], attributes.counts(server, name)
        words = ["yes" if of.get(key, True) else "no" for key in ("enabled", "started")]
        print(f"{name:<16} {0:>5} {sum(count.values()):>5} {words[0]:>3} {words[1]:>3} {_numbers(count)} Exe*")
    return 0


def _numbers(count):
    return " ".join(f"{count[word]:>5}" for word in ("Queued", "Running", "Held", "Waiting", "Transit", "Exiting"))


def _limits(server, chosen):
    print(f"\nserver: {server['server']}\n")
    print("Queue            Memory CPU Time Walltime Node   Run   Que   Lm  State")
    print("---------------- ------ -------- -------- ---- ----- ----- ----  -----")
    all_run = all_wait = 0
    for name in chosen:
        of, count = server["queues"][name], attributes.counts(server, name)
        waits = sum(count[word] for word in ("Queued", "Held", "Waiting", "Transit"))
        all_run, all_wait = all_run + count["Running"], all_wait + waits
        limit = of.get("most", {}).get("walltime", "  --   ")
        state = f"{'E' if of.get('enabled', True) else 'D'} {'R' if of.get('started', True) else 'S'}"
        print(f"{name:<16}   --      --    {limit:>8}  --  {count['Running']:>5} {waits:>5}   --   {state}")
    print(f"{'':47}----- -----\n{'':47}{all_run:>5} {all_wait:>5}")
    return 0


def _server(server, flags):
    if "f" in flags:
        told = attributes.whole(server)
        if flags.get("F") == "json":
            sys.stdout.write(formats.document(server, "Server", [(server["server"], told)]))
        else:
            sys.stdout.write(formats.full(f"Server: {server['server']}", told))
        return 0
    count = attributes.counts(server)
    print("Server             Max   Tot   Que   Run   Hld   Wat   Trn   Ext Status")
    print("---------------- ----- ----- ----- ----- ----- ----- ----- ----- -----------")
    print(f"{server['server']:<16} {0:>5} {len(server['jobs']):>5} {_numbers(count)} {'Active':<10}")
    return 0
