"""pbsnodes, and pbsdsh within a job."""

# mypy: ignore-errors

import os
import subprocess
import sys

from openpbs import attributes, formats, grammar, placing
from openpbs.state import Stop, content, state

SHORT = """\
                                                        mem       ncpus   nmics   ngpus
vnode           state           njobs   run   susp      f/t        f/t     f/t     f/t   jobs
--------------- --------------- ------ ----- ------ ------------ ------- ------- ------- -------
"""
LONG = """\
vnode           state           OS       hardware host            queue        mem     ncpus   nmics   ngpus  comment
--------------- --------------- -------- -------- --------------- ---------- -------- ------- ------- ------- ---------
"""


def main(words):
    """Show nodes."""
    options, names = grammar.parse("pbsnodes", "avlLSjHF:D:s:C:or", words, grammar.PBSNODES)
    flags = dict(options)
    if not flags and not names:
        raise Stop(grammar.PBSNODES, 1)
    with state() as server:
        if "l" in flags:
            for name in server["nodes"]:
                state_ = dict(attributes.node(server, name))["state"]
                if "offline" in state_:
                    print(f"{name:<20} {state_} ")
            return 0
        for name in names if "a" not in flags else []:
            if name not in server["nodes"]:
                raise Stop(f"Node: {name},  Error: Unknown node \n", 1)
        chosen = list(server["nodes"]) if "a" in flags else names
        if "S" in flags:
            return _table(server, chosen, "j" in flags)
        return _all(server, chosen, flags)


def _all(server, chosen, flags):
    kind = flags.get("F", "")
    if kind == "json":
        things = [(name, _with_assigned(attributes.node(server, name, dense=True))) for name in chosen]
        sys.stdout.write(formats.document(server, "nodes", things))
        return 0
    for name in chosen:
        told = attributes.node(server, name, epoch=kind == "dsv")
        if kind == "dsv":
            sys.stdout.write(formats.delimited(f"Name={name}", told, flags.get("D", "|")))
        else:
            sys.stdout.write("\n".join([name, *(f"     {key} = {value}" for key, value in told)]) + "\n\n")
    return 0


def _with_assigned(told):
    """JSON has the group of what is taken, though it may be empty."""
    if any(name.startswith("resources_assigned.") for name, _ in told):
        return told
    at = [name for name, _ in told].index("resv_enable")
    return [*told[:at], ("resources_assigned", {}), *told[at:]]


def _table(server, chosen, short):
    sys.stdout.write(SHORT if short else LONG)
    for name in chosen:
        told = dict(attributes.node(server, name))
        held, _ = placing.taken(server, name)
        whole = placing.has(server, name)
        if not short:
            memory, cpus, gpus = (told[f"resources_available.{key}"] for key in ("mem", "ncpus", "ngpus"))
            print(
                f"{name:<15} {told['state']:<15} {'--':<8} {'--':<8} {name:<15} {'--':<10} {memory:>8} {cpus:>7} "
                f"{0:>7} {gpus:>7} --"
            )
            continue
        jobs = list(dict.fromkeys(job.partition(".")[0] for job in told.get("jobs", "").split(", ") if job))
        free = {key: whole[key] - held[key] for key in whole}
        memory = f"{free['mem'] >> 20}gb/{whole['mem'] >> 20}gb"
        cpus, gpus = (f"{free[key]}/{whole[key]}" for key in ("ncpus", "ngpus"))
        print(
            f"{name:<15} {told['state']:<15} {len(jobs):>6} {len(jobs):>5} {0:>6} {memory:>12} {cpus:>7} {'0/0':>7} "
            f"{gpus:>7} {','.join(jobs) or '--'}"
        )
    return 0


def pbsdsh(words):
    """Run a command once for each chunk, or for the chunk of this number."""
    options, rest = grammar.parse("pbsdsh", "c:n:o s v", words, "usage: pbsdsh ...\n")
    hosts = content(os.environ["PBS_NODEFILE"]).split()
    wanted = dict(options).get("n")
    for number, host in enumerate(hosts):
        if wanted in (None, str(number)):
            about = {"PBS_TASKNUM": str(20000001 * (number + 1)), "PBS_NODENUM": str(number), "STAND_IN_HOST": host}
            subprocess.run(rest, env={**os.environ, **about})
    return 0
