"""Plays recorded cases against whatever sbatch, squeue, sinfo, ... come first on a PATH."""

from __future__ import annotations

import glob
import json
import math
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.cases import HOST, UIDS, USER, Case, job_variables
from tests.conformance.judge import Difference, Judge, compare

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
SMALL_LIMIT = 60  # seconds that a script of the player's own may take
PRELUDE = r"""
export LC_ALL=C.UTF-8
_states() { scontrol -o show job "$1" 2>/dev/null | grep -oE 'JobState=[A-Z_]+'; }
_until() { local end=$((SECONDS + $1)); shift; until "$@"; do ((SECONDS >= end)) && return 1; sleep .1; done; }
_ended() { ! _states "$1" | grep -qE 'PENDING|RUNNING|COMPLETING|SUSPENDED|CONFIGURING'; }
_runs() { _states "$1" | grep -q RUNNING; }
# allocation: Slurm's first name for a job
_booked() { ! sacct -nX -j "$1" -o state%30,jobname%12 | grep -qE 'PENDING|RUNNING|allocation'; }
waitjob() { local j; for j; do _until 60 _ended "$j"; done; }
waitrun() { local j; for j; do _until 30 _runs "$j"; done; }
waitacct() { local j; for j; do _until 30 _booked "$j"; done; }
fill() {
  local n; F=()
  for n in node1 node2 node3 node4; do
    F+=("$(sbatch --parsable -J filler -p compute -w $n --exclusive --mem=0 -t 20 -o /dev/null --wrap 'sleep 300')")
  done
  waitrun "${F[@]}"
}
"""
CLEAN = r"""
q() {{ squeue -h -u {users}; }}
c() {{ for u in {words}; do scancel $1 $2 -u $u; done; }}
[ -z "$(q)" ] && exit
c
for i in $(seq 150); do
[ -z "$(q)" ] && exit
sleep .1
[ $((i % 30)) = 0 ] && {{ c -s KILL; c; }}
done
"""
NEWEST_JOB = r"""
J=$(sbatch --parsable -H -D / -o /dev/null --wrap true); scancel $J; echo $J
"""
# seconds that a queue is good for: on a loaded machine its jobs end before all cases have looked at it
LASTING = {"squeue": 90.0}
CLOSES = re.compile(r"\bscontrol update nodename=\S+ state=(drain|down|fail)", re.IGNORECASE)
OPEN = "scontrol update nodename=node[1-4] state=resume"
SUBMITTED = r"grep -oE 'Submitted batch job [0-9]+|^[0-9]+(;.*)?$' {answer} | head -1 | grep -oE '[0-9]+' | head -1"


@dataclass(frozen=True)
class Settings:
    """Where, and as whom, cases are played."""

    bin: str = ""  # first on PATH
    environment: Mapping[str, str] = field(default_factory=dict)  # what commands find besides the ordinary
    user: str = USER  # stands in for the recorded default user
    users: Mapping[str, str] = field(default_factory=dict)  # recorded name -> who stands in, of further ones too
    home: str = f"/home/{USER}"
    admin: str = ""  # runs what was recorded as root: who looks after a fleet need not be root
    limit: float = 240  # seconds that a case may take, unless it says that it needs more


@dataclass
class Played:
    """A case as it is answered now."""

    late: bool
    noise: str
    answers: dict[str, Any]  # as judge.compare takes them
    variables: dict[str, str]


class Player:
    """Runs the shell of a case. Needs root, to be the users of the recording."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = f"{settings.bin}:{PATH}" if settings.bin else PATH
        known = {entry.pw_name: str(entry.pw_uid) for entry in pwd.getpwall()}
        self.uids = {uid: known[self.user(name)] for name, uid in UIDS.items() if self.user(name) in known}
        self.users = sorted({self.user(name) for name in (USER, "root")} & set(known))

    def user(self, recorded: str) -> str:
        """Who plays what this user was recorded with."""
        if recorded == "root" and self.settings.admin:
            return self.settings.admin
        return self.settings.user if recorded == USER else self.settings.users.get(recorded, recorded)

    def can_play(self, case: Case) -> bool:
        """Cases of further users wait for a queue that several users share."""
        return case.get("user", USER) in (USER, "root")

    def adapt(self, text: str) -> str:
        """The recorded users, the home, and the host where commands are given, in a text -> ours."""
        if self.settings.home != f"/home/{USER}":
            text = text.replace(f"/home/{USER}", self.settings.home)
        text = re.sub(rf"(?<![\w/.-]){HOST}\b", os.uname().nodename, text)
        for recorded, our in {**self.settings.users, USER: self.settings.user}.items():
            text = re.sub(rf"(?<!\w)(?<!/home/){recorded}\b", our, text)
        return text

    def _home(self, user: str) -> str:
        if user == self.settings.user:
            return self.settings.home
        return "/root" if user == "root" else f"/home/{user}"

    def _shell(self, user: str, script: str, limit: float) -> tuple[bool, str]:
        """Run a bash script as a user in a clean environment: out of time?, output."""
        environment = {"HOME": self._home(user), "USER": user, "LOGNAME": user, "SHELL": "/bin/bash"}
        environment |= {"PATH": self.path, "LANG": "C.UTF-8", **self.settings.environment}
        words = ["runuser", "-u", user, "--"] if user != "root" else []
        words += ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), "bash", script]
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                return False, process.communicate(timeout=limit)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return True, ""

    def small(self, text: str, user: str) -> str:
        """The output of a script that is no case."""
        with tempfile.NamedTemporaryFile("w", prefix="replay-") as file:
            os.chmod(file.name, 0o644)
            file.write(text + "\n")
            file.flush()
            return self._shell(user, file.name, SMALL_LIMIT)[1]

    def last_job(self) -> int:
        """The number of the newest job: that of one made (and cancelled) for the purpose."""
        found = re.search(r"\d+", self.small(NEWEST_JOB, self.settings.user))
        return int(found[0]) if found else 0

    def clean(self) -> None:
        """Cancel all jobs of the users of the recording and wait until none is left."""
        text = CLEAN.format(users=",".join(self.users), words=" ".join(self.users))
        self.small(text, "root")

    def play(self, case: Case, judge: Judge) -> Played:
        """Play one case in a fresh shell."""
        user = self.user(case.get("user", USER))
        work = self.adapt(case.get("cwd", f"{self._home(user)}/work"))
        scratch = Path(tempfile.mkdtemp(prefix="replay-"))
        scratch.chmod(0o777)
        try:
            (scratch / "case.sh").write_text("\n".join(self._script(case, judge, work, scratch)) + "\n")
            late, noise = self._shell(user, f"{scratch}/case.sh", max(self.settings.limit, case.get("timeout", 0)))
            return _Answers(scratch, case).read(late, noise, work)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _script(self, case: Case, judge: Judge, work: str, scratch: Path) -> list[str]:
        def say(text: str) -> str:
            text = re.sub(r"@(\d+)@", lambda m: judge.job(m[1]), text)
            if self.settings.admin:  # who is nobody else already need not, and may not, become it
                text = text.replace(f"runuser -u {USER} -- ", "")
            return self.adapt(text)

        def step(name: str, text: str) -> str:
            into = f">{scratch}/{name}.out 2>{scratch}/{name}.err </dev/null; echo $? >{scratch}/{name}.rc"
            return f"eval {shlex.quote(say(text))} {into}"

        lines = [PRELUDE, f"mkdir -p {work}; cd {work} || exit"]
        if "queue" not in case:
            lines.append("find . -mindepth 1 -delete")
        for number, (name, text) in enumerate(case.get("files", {}).items()):
            data = text.encode("latin1") if "\0" in text else self.adapt(text).encode()
            (scratch / f"file{number}").write_bytes(data)
            lines.append(f"cat {scratch}/file{number} > {shlex.quote(name)}")
        setup = map(say, case.get("setup", []))
        lines += [f"exec 8>&1 9>&2 >{scratch}/setup 2>&1 </dev/null", *setup, "exec >&8 2>&9"]
        lines.append(step("cmd", case.get("cmd", ":")))
        lines += [f"_j=$({SUBMITTED.format(answer=f'{scratch}/cmd.out')})", '[ -n "$_j" ] && J=$_j']
        for number, after in enumerate(case.get("after", [])):
            condition = '[ -n "$J" ] && ' if re.search(r"\$\{?J", after["cmd"]) else ""
            lines.append(f"{condition}{{ {step(f'after{number}', after['cmd'])}; }}")
        each = 'for _v in $(compgen -v | grep -xE "[A-Z][0-9]?"); do echo "$_v=${!_v}"; done'
        return [*lines, f"{each} >{scratch}/vars"]


class _Answers:
    """Reads what the shell of a case left in its scratch folder."""

    def __init__(self, scratch: Path, case: Case) -> None:
        self.scratch = scratch
        self.case = case

    def read(self, late: bool, noise: str, work: str) -> Played:
        lines = (self._text("vars") or "").splitlines()
        variables = dict(line.split("=", 1) for line in lines if "=" in line)
        answers = {
            "cmd": self._answer("cmd"),
            "after": [self._answer(f"after{number}") for number in range(len(self.case.get("after", [])))],
            "show": self._show(work, variables),
            "late": late,
        }
        return Played(late, noise, answers, variables)

    def _scrubbed(self, text: str) -> str:
        for pattern, plain in self.case.get("scrub", []):
            text = str(json.loads(re.sub(pattern, plain, json.dumps(text))))
        return text

    def _text(self, name: str) -> str | None:
        try:
            with open(self.scratch / name, errors="replace", newline="") as file:
                text = file.read()
        except OSError:
            return None
        text = re.sub(re.escape(str(self.scratch)) + r"/case\.sh: line \d+: ", "bash: ", text)
        return self._scrubbed(text.replace(str(self.scratch), "TMP"))

    def _answer(self, name: str) -> dict[str, Any]:
        code = self._text(f"{name}.rc")
        texts = {"stdout": self._text(f"{name}.out"), "stderr": self._text(f"{name}.err")}
        return {**texts, "rc": int(code) if code else None}

    def _show(self, work: str, variables: Mapping[str, str]) -> dict[str, str]:
        """The files that the case looks at."""
        show = {}
        for pattern in self.case.get("globs", []):
            pattern = re.sub(r"\$([A-Z])", lambda m: variables.get(m[1], m[0]), pattern)
            for path in filter(os.path.isfile, glob.glob(os.path.join(work, pattern))):
                with open(path, errors="replace") as file:
                    show[os.path.relpath(path, work)] = self._scrubbed(file.read())
        return show


class Stage:
    """Plays cases one after the other, and makes and clears the queues that they look at."""

    def __init__(self, player: Player, queues: Mapping[str, Case]) -> None:
        self.player = player
        self.queues = queues
        self._name: str | None = None  # of the queue that is there now
        self._made = 0.0  # ... and since when it is
        self._judge = self._new_judge(0, 0)  # of that queue
        self._our_last = 0
        self.leave()
        self._our_last = player.last_job()

    def _new_judge(self, recorded_last: int, our_last: int) -> Judge:
        return Judge(recorded_last, our_last, self.player.uids, self.player.adapt)

    def leave(self) -> None:
        """Undo what the queue changed, and end all jobs."""
        if self._name:
            queue = self.queues[self._name]
            if queue.get("undo"):
                self.player.small(
                    self.player.adapt("\n".join(queue["undo"])), self.player.user(queue.get("user", USER))
                )
            self._name = None
        self.player.clean()

    def _enter(self, name: str) -> Judge:
        """Make a queue, unless it is there: its job numbers are kept from case to case."""
        if name != self._name or time.monotonic() - self._made > LASTING.get(name, math.inf):
            self.leave()
            queue = self.queues[name]
            self._name, self._judge = name, self._new_judge(0, self.player.last_job())
            made = self.player.play(queue, self._judge)
            self._made = time.monotonic()
            self._judge.learn(job_variables(queue, queue["vars"]), job_variables(queue, made.variables), unnamed=0)
        return self._judge

    def play(self, case: Case, recorded_last: int) -> list[Difference]:
        """In what the case does not agree."""
        judge = self._enter(case["queue"]) if "queue" in case else self._apart(case, recorded_last)
        got = self.player.play(case, judge)
        recorded, ours = job_variables(case, case.get("vars", {})), job_variables(case, got.variables)
        judge.learn(recorded, ours)
        found = compare(case, got.answers, judge)
        # what is the same there and here is an exit status, say
        self._our_last = max(
            [self._our_last, *(number for name, number in ours.items() if number != recorded.get(name))]
        )
        if "queue" not in case or case.get("spoils"):
            self.leave()
            self._open_machines(case)
        return found

    def _open_machines(self, case: Case) -> None:
        """Machines that a case closed, as it was allowed to here, are there again for the next."""
        if CLOSES.search(case.get("cmd", "")):
            self.player.small(OPEN, self.player.user("root"))

    def _apart(self, case: Case, recorded_last: int) -> Judge:
        """The judge of a case with no queue around it."""
        if self._name:
            self.leave()
        told = json.dumps([case["stdout"], case["stderr"], case.get("after"), case.get("show")])
        if not case.get("vars") and any(int(number) > recorded_last for number in re.findall(r"\d+", told)):
            self._our_last = self.player.last_job() or self._our_last
        return self._new_judge(recorded_last, self._our_last)
