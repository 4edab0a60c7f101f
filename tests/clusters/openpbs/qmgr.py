"""qmgr -c: the few settings that tests change."""

# mypy: ignore-errors

import re

from openpbs.state import Stop, state

SERVER = {"scheduling": "scheduling", "acl_roots": "root_may", "job_history_enable": "history"}


def main(words):
    """Do one command."""
    text = words[1] if words[:1] == ["-c"] else ""
    found = re.fullmatch(r"(set|unset) (server|node|queue) (?:(\S+) )?(\w+)\s*(-?=)?\s*(\S*)", text)
    if not found:
        raise Stop("qmgr: Syntax error\n", 1)
    verb, kind, name, attribute, sign, value = found.groups()
    with state() as server:
        if kind == "server":
            server[SERVER[attribute]] = verb == "set" and value.lower() not in ("false", "0")
        elif kind == "node":
            server["nodes"][name]["offline"] = sign == "=" and value == "offline"
        else:
            server["queues"][name][attribute] = value.lower() == "true"
    return 0
