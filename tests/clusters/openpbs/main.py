"""The commands by their names."""

# mypy: ignore-errors

import os
import sys

from openpbs.state import Stop

REFUSED, NO_HOST = (162, 15010, "Connection refused"), (160, 15008, "Unknown Host.")
NO_CONFIGURATION = """\
pbsconf error: pbs conf variables not found: PBS_HOME PBS_EXEC PBS_SERVER
No such file or directory
{}: cannot connect to server  (errno=0)
"""
OTHER_CODES = {"qstat": 255, "pbsnodes": 1}


def _unreachable(command):
    """The exit status where the configuration leads to no server; 0: it leads to this one."""
    host = os.environ.get("PBS_SERVER_HOST_NAME")
    if host is None and os.environ.get("PBS_BATCH_SERVICE_PORT", "15001") == "15001":
        return 0
    code, number, text = NO_HOST if host else REFUSED
    name = host or "pbsn1"
    lines = {"qdel": f"Couldn't connect to cluster: {name}",
             "pbsnodes": f"pbsnodes: cannot connect to server {name}, error={number}"}  # fmt: skip
    sys.stderr.write(f"{text}\n{lines.get(command, f'{command}: cannot connect to server {name} (errno={number})')}\n")
    return OTHER_CODES.get(command, code)


def main(command, words):
    """Be one of the commands; its exit status."""
    from openpbs import change, mom, nodes, qmgr, qselect, qstat, qsub

    commands = {
        "qsub": qsub.main, "qstat": qstat.main, "pbsnodes": nodes.main, "qselect": qselect.main,
        "qmgr": qmgr.main, **change.COMMANDS,
        "pbs_tmrsh": mom.spawn, "pbsdsh": nodes.pbsdsh,
    }  # fmt: skip
    if not os.path.exists(os.environ.get("PBS_CONF_FILE", "/")):
        sys.stderr.write(NO_CONFIGURATION.format(command))
        return 255
    if command not in ("pbs_tmrsh", "pbsdsh") and words != ["--version"] and (code := _unreachable(command)):
        return code
    try:
        return commands[command](words)
    except Stop as stop:
        sys.stderr.write(stop.text)
        return stop.code
