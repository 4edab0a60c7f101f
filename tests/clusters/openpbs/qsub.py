"""qsub: a script, its directives and options become a job."""

# mypy: ignore-errors

import os
import re
import stat
import sys
import time

from openpbs import grammar, resources
from openpbs.state import IDENTITY, SPEED, Stop, full, state, user

LETTERS = "a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:v:VW:Xz"
NAME = re.compile(r"[A-Za-z0-9._+-]+")
RANGE = re.compile(r"(\d+)-(\d+)(?::(\d+))?(?:%(\w+))?")
LEGAL = {
    "N": NAME, "r": re.compile("[yn]"), "m": re.compile("n|[abej]+"), "j": re.compile("oe|eo|n"),
    "S": re.compile("/.*"), "p": re.compile(r"[+-]?\d+"),
}  # fmt: skip
KINDS = re.compile(r"(after|afterok|afternotok|afterany|before|beforeok|beforenotok|beforeany|on|runone):(.+)")
ATTRIBUTES = (
    "depend", "block", "umask", "group_list", "stagein", "stageout", "sandbox", "max_run_subjobs", "run_count",
)  # fmt: skip
LARGEST = 10000  # tasks of an array


def main(words):
    """Submit."""
    given, rest = grammar.parse("qsub", LETTERS, words, grammar.QSUB)
    _check_use(given, rest)
    has_command = "--" in words and words[len(words) - len(rest) - 1] == "--" and rest
    name, script = ("STDIN", "") if has_command else _script(rest, given)
    options = given if has_command else [*directives(script, given), *given]
    chosen = {letter: value for letter, value in options}
    chosen.setdefault("N", name)
    _check(chosen)
    with state() as server:
        job = _make(server, chosen, options, script, rest if has_command else [], " ".join(words))
    if "z" not in chosen:
        print(job["id"], flush=True)
    return block(job["id"]) if "block=true" in ",".join(_of("W", options)) else 0


def _check_use(given, rest):
    letters = [letter for letter, _ in given]
    if "X" in letters and "DISPLAY" not in os.environ:
        raise Stop("qsub: DISPLAY not set\n" + grammar.QSUB, 2)
    if "I" in letters:
        raise Stop("qsub:\tstandard input and output must be a terminal for\n\tinteractive job submission\n", 1)


def _script(rest, given):
    if len(rest) > 1:
        raise Stop(grammar.QSUB, 2)
    if not rest or rest == ["-"]:
        return "STDIN", sys.stdin.buffer.read().decode("latin-1")
    if not os.path.exists(rest[0]):
        raise Stop("qsub: script file:: No such file or directory\n", 1)
    if not stat.S_ISREG(os.stat(rest[0]).st_mode):
        raise Stop("qsub: script not a file\n", 1)
    with open(rest[0], "rb") as file:
        text = file.read().decode("latin-1")
    if "\r\n" in text:
        raise Stop("qsub: script contains cr, lf\n", 1)
    return os.path.basename(rest[0]), text


def directives(script, given, letters=LETTERS):
    """The options in the script's first lines; a blank line ends nothing."""
    prefix = dict(given).get("C", os.environ.get("PBS_DPREFIX", "#PBS"))
    found = []
    for line in script.split("\n") if prefix else []:
        if line.strip() and line[0] not in "#:":
            break
        if line.startswith(prefix):
            text = line[len(prefix) :].strip()
            options, _, faults = grammar.read("qsub", letters, text.split())
            if faults:
                raise Stop("".join(faults) + f"qsub: directive error: {text} \n", 1)
            found += options
    return found


def _check(chosen):
    for letter, pattern in LEGAL.items():
        if letter in chosen and not pattern.fullmatch(chosen[letter]):
            raise Stop(f"qsub: illegal -{letter} value\n{grammar.QSUB}", 2)
    if not -1024 <= int(chosen.get("p", "0")) <= 1023:
        raise Stop(f"qsub: illegal -p value\n{grammar.QSUB}", 2)
    if len(chosen["N"]) > 236:
        raise Stop("qsub: Job name is too long \n", 2)
    found = RANGE.fullmatch(chosen["J"]) if "J" in chosen else None
    if "J" in chosen and (not found or int(found[1]) >= int(found[2]) or found[3] == "0"):
        raise Stop(f"qsub: illegal -J value\n{grammar.QSUB}", 2)
    if found and found[4] and not found[4].isdigit():
        raise Stop("qsub: Error (15014) submitting job\n", 166)
    if found and int(found[2]) - int(found[1]) >= LARGEST:
        raise Stop("qsub: Array job exceeds server or queue size limit\n", 3)
    if found and chosen.get("r") == "n":
        raise Stop("qsub: cannot submit non-rerunable Array Job\n", 2)


def begin_time(text):
    """[[CC]YY]MMDDhhmm[.SS], or hhmm: the next one. Raises Stop."""
    found = re.fullmatch(r"(\d{4}|\d{8}|\d{10}|\d{12})(?:\.(\d\d))?", text)
    try:
        digits, now = found[1], time.localtime()
        forms = {4: "%H%M", 8: "%m%d%H%M", 10: "%y%m%d%H%M", 12: "%Y%m%d%H%M"}
        read = time.strptime(digits, forms[len(digits)])
    except (TypeError, ValueError):
        raise Stop("qsub: illegal -a value\n" + grammar.QSUB, 2) from None
    fields = [read.tm_year, read.tm_mon, read.tm_mday, read.tm_hour, read.tm_min, int(found[2] or 0), 0, 0, -1]
    fields[0] = now.tm_year if len(digits) < 10 else fields[0]
    fields[1:3] = [now.tm_mon, now.tm_mday] if len(digits) == 4 else fields[1:3]
    if len(digits) < 10 and time.mktime(tuple(fields)) < time.time():
        fields[2 if len(digits) == 4 else 0] += 1
    return time.mktime(tuple(fields))


def _of(letter, options):
    return [value for one, value in options if one == letter]


def attributes(options):
    found = {}
    for text in _of("W", options):
        for word in re.split(r",(?=[a-z_]+=)", text):
            name, _, value = word.partition("=")
            if name not in ATTRIBUTES:
                raise Stop("qsub: Error (15002) submitting job\n", 154)
            found[name] = value
    if "group_list" in found:
        raise Stop("qsub: Bad GID for job execution\n", 197)
    return found


def depend_list(server, text, command="qsub"):
    """What a job waits for: kind and names. Raises Stop."""
    waits = []
    for term in text.split(",") if text else []:
        found = KINDS.fullmatch(term)
        names = found[2].split(":") if found else []
        if not found or not all(IDENTITY.fullmatch(name) for name in names) or re.search(r"\[\d", found[2]):
            usage = grammar.QSUB if command == "qsub" else grammar.QALTER
            raise Stop(f"{command}: illegal -W value\n{usage}", 2)
        waits.append([found[1], names if found[1] == "on" else [full(server, name) for name in names]])
    return waits


def variables(options):
    """-V and -v. Raises Stop."""
    given = dict(os.environ) if _of("V", options) else {}
    given = {name: value for name, value in given.items() if not name.startswith("STAND_IN_")}
    for text in _of("v", options)[-1:]:
        for word in re.findall(r"""(?:\\.|"[^"]*"|'[^']*'|[^,])+""", text, re.DOTALL):
            key, equals, value = word.partition("=")
            if not equals and key not in os.environ:
                raise Stop("qsub: cannot send environment with the job\n", 2)
            value = value if equals else os.environ[key]
            given[key] = re.sub(r"""\\(.)|["']""", lambda found: found[1] or "", value) if equals else value
    return given


def _make(server, chosen, options, script, command, given):
    first = name = chosen.get("q", "workq")
    if name not in server["queues"]:
        raise Stop("qsub: Unknown queue\n", 170)
    name = server["queues"][name].get("to", name)
    queue = server["queues"][name]
    if not queue.get("enabled", True):
        raise Stop("qsub: Queue is not enabled\n", 173)
    waiting = [job for job in server["jobs"].values() if job["queue"] == name and job["state"] not in "FX"]
    if len(waiting) >= queue.get("most_of_user", len(waiting) + 1):
        raise Stop("qsub: would exceed queue generic's per-user limit\n", 38)
    if user() == "root" and not server["root_may"]:
        raise Stop("qsub: Bad UID for job execution\n", 175)
    more = attributes(options)
    begin = begin_time(chosen["a"]) if "a" in chosen else 0
    job = {
        "name": chosen["N"], "queue": name, "first_queue": first, "script": script, "command": command, "user": user(),
        "submit_arguments": given,
        "folder": os.getcwd(), "resources": resources.requested(_of("l", options), queue),
        "asked": _of("l", options), "begin": begin if begin > time.time() else 0, "rerunnable": chosen.get("r") != "n",
        "depend": depend_list(server, more.get("depend")), "environment": variables(options),
        "path": os.environ.get("PATH", ""), "account": chosen.get("A"), "project": chosen.get("P"),
        "join": chosen.get("j", "n"), "keep": chosen.get("k", "n"), "mail": chosen.get("m", "a"),
        "mail_users": chosen.get("M"), "priority": int(chosen.get("p", "0")), "shell": chosen.get("S"),
        "sandbox": more.get("sandbox"), "stagein": more.get("stagein"), "stageout": more.get("stageout"),
        "umask": more.get("umask"), "block": more.get("block"), "hold": "u" if "h" in chosen else "n",
        "ctime": time.time(), "mtime": time.time(), "origin": {name: os.environ.get(name, "") for name in ORIGIN},
    }  # fmt: skip
    _name(server, job, chosen, more)
    return job


ORIGIN = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL")


def _name(server, job, chosen, more):
    from openpbs.server import add

    number = server["next"]
    server["next"] += 1
    found = RANGE.fullmatch(chosen["J"]) if "J" in chosen else None
    job["id"] = f"{number}{'[]' if found else ''}.{server['server']}"
    mark = ".^array_index^" if found else ""
    for letter, key in (("o", "out"), ("e", "err")):
        job[f"{key}_host"], given = placed(server, chosen.get(letter))
        path = os.path.join(job["folder"], given or f"{job['name']}.{letter}{number}{mark}")
        is_folder = path.endswith("/") or os.path.isdir(os.path.join(job["folder"], given or "-"))
        job[key] = path.rstrip("/") + "/" * is_folder
    indices = []
    if found:
        indices = list(range(int(found[1]), int(found[2]) + 1, int(found[3] or 1)))
        most = int(more.get("max_run_subjobs") or found[4] or 0)
        job.update(array=True, most=most, indices=chosen["J"].partition("%")[0])
    add(server, job, indices)


def placed(server, given):
    """The host and the path of `host:path`; the server's, where none is named."""
    found = re.fullmatch(r"([\w.-]+):(.+)", given or "")
    return (found[1], found[2]) if found else (server["server"], given)


def block(name):
    """Wait for the end; the job's exit status."""
    while True:
        with state() as server:
            job = server["jobs"].get(name)
            code = job.get("code") if job else server.get("codes", {}).get(name)
        if job is None or job["state"] == "F":
            return 3 if code is None or (job and job.get("deleted")) else code if code < 256 else 128 + code - 256
        time.sleep(0.05 / SPEED)
