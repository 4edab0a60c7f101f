"""msalloc: hold machines for a command on the login node, whose msrun uses them."""

from __future__ import annotations

import os
import pwd
import signal
import sys
import time
from contextlib import closing, suppress

from mini_slurm.cli import common, exits
from mini_slurm.cli.allocation import Allocation, variables
from mini_slurm.desk import submission
from mini_slurm.errors import BadOption, Refused
from mini_slurm.model.signals import signal_number
from mini_slurm.options.collect import Values
from mini_slurm.options.grammar import Option
from mini_slurm.options.srun import SALLOC, SALLOC_VARIABLES
from mini_slurm.options.table import STAGED

ABOUT = "Get machines, and run a command here that uses them."
WORDS = "[COMMAND [ARGUMENT...]]"
NAME, NAME_WITHOUT_SHELL = "interactive", "no-shell"
LONG = 10.0  # seconds after which the bell is rung
NOT_FOUND, NOT_EXECUTABLE = 127, 126
FORGIVEN = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)  # by these the user ends a command
IGNORED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGTTOU, signal.SIGTTIN),
)


class Salloc(Allocation):
    """As salloc speaks of it."""

    pending_words = ("Pending job allocation {}",)
    failed = "Job submit/allocate failed: "

    def refuse_at_once(self) -> None:
        """Say that it is gone, too: before the error or behind it, as Slurm mostly does. Raises Refused."""
        revoked = f"Job allocation {self.job.job_id} has been revoked."
        is_first = self.job.reason == "BeginTime"
        if is_first:
            self.say(revoked)
        try:
            if self._patience():
                raise Refused(f"{self.failed_at_once}Connection timed out")
            super().refuse_at_once()
        except Refused as error:
            if not is_first and len(self.jobs) == 1 and not self.values.of.get("quiet"):
                error.remark = revoked
            raise

    def tell_cancelled(self) -> None:
        """Say that somebody else has given it up."""
        super().tell_cancelled()
        self.say(f"Job allocation {self.job.job_id} has been revoked.")

    def tell_interrupted(self) -> None:
        """Say that it was given up because of a signal."""
        self.say(f"Job allocation {self.job.job_id} has been revoked.")
        self.say("Job aborted due to signal")


def main() -> None:
    """The console script."""
    common.leave(common.run("msalloc", exits.heeding(msalloc, options)))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, SALLOC, STAGED)


def msalloc(program: str, arguments: list[str]) -> int:
    """Hold what the arguments describe for a command; its exit status."""
    common.leave_to_cluster(program, "salloc", arguments, options(program))
    parts, words = common.parse_parts(program, arguments, options(program))
    settings = common.take_first(program, "msalloc", parts)
    if settings is None:
        return 0
    values = submission.read_front_parts(program, settings, (*SALLOC, *SALLOC_VARIABLES), common.say)
    is_shell = "no_shell" not in values[0].of
    source = submission.Script(b"", NAME if is_shell else NAME_WITHOUT_SHELL)
    held = Salloc(program, [submission.describe(one, source, []) for one in values], values)
    _check(values[0])
    if values[0].of.get("verbose"):
        from mini_slurm.cli import defined

        for line in (*defined.lines(values[0], SALLOC), *defined.loaded()):
            held.say(line)
    held.admit()
    begun = time.monotonic()
    held.obtain(attended=is_shell)
    held.say(f"Granted job allocation {held.job.job_id}")
    _ring(held, time.monotonic() - begun)
    return Command(held, words or [_shell()]).run() if is_shell else 0


def _check(values: Values) -> None:
    """What the command will need, looked at before anything is asked for. Raises MiniSlurmError."""
    if "get_user_env" in values.of and os.getuid() != 0:
        raise Refused("SlurmdUser must be root to use --get-user-env")
    text = values.text("kill_command")
    if text and not signal_number(text):
        raise BadOption("Invalid --kill-command specification", hint="write for example --kill-command=TERM")
    folder = values.text("work_dir")
    try:
        if folder:
            os.stat(os.path.join(folder, ""))
    except OSError as error:
        raise Refused(f"chdir({os.path.join(os.getcwd(), folder or '')}): {error.strerror}") from None


def _ring(held: Salloc, waited: float) -> None:
    """The terminal's bell, for those who had to wait for long."""
    given = held.values.of
    if ("bell" in given or waited >= LONG) and "no_bell" not in given and sys.stdout.isatty():
        common.tell("\a")


def _shell() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    except KeyError:
        return os.environ.get("SHELL") or "/bin/sh"


class Command:
    """What runs here as long as the allocation lasts, and perhaps longer."""

    def __init__(self, held: Salloc, words: list[str]) -> None:
        self._held = held
        self._words = words
        self._pid = 0
        self._status: int | None = None
        self._is_revoked = False
        self._is_left = False
        self._terminal = -1  # its descriptor, where the command is given it
        self._bell, self._ringer = os.pipe()

    def run(self) -> int:
        """See it to its end; the exit status."""
        held = self._held
        path = _find(self._words[0])
        if path is None:
            common.say(f'{held.program}: error: _fork_command: Unable to find command "{self._words[0]}"')
            self._status = 1 << 8
        else:
            self._start(path, {**os.environ, **held.remembered(), **self._variables()})
            self._attend()
            self._look()
        if self._is_revoked:
            held.leave()
        else:
            held.say(f"Relinquishing job allocation {held.job.job_id}")
            held.release(self._status or 0)
        return self._exit_status()

    def _variables(self) -> dict[str, str]:
        job = self._held.job
        found = {
            **variables(job, self._held.db),
            "SLURM_SUBMIT_DIR": submission.working_folder(),
            "SLURM_SUBMIT_HOST": job.submit_host,
        }
        unsaid = {name for name, field in MEMORY.items() if self._held.values.of.get(field) is None}
        return {name: value for name, value in found.items() if name not in NOT_SALLOCS | unsaid}

    def _start(self, path: str, environment: dict[str, str]) -> None:
        """A child with a process group of its own, which gets the terminal if there is one."""
        for descriptor in (self._bell, self._ringer):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._ringer, warn_on_full_buffer=False)
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        self._terminal = 0 if os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp() else -1
        self._pid = os.fork()
        if not self._pid:
            _become(path, self._words, environment, self._terminal, self._held)
        signal.signal(signal.SIGHUP, self._hang_up)
        self._hand_over(self._pid)

    def _hand_over(self, group: int) -> None:
        """Give the terminal to a process group: both sides do it, as nobody knows which is first."""
        try:
            if self._terminal >= 0:
                os.setpgid(self._pid, self._pid)
                os.tcsetpgrp(self._terminal, group)
        except OSError:
            return  # it is over already

    def _hang_up(self, number: int, frame: object) -> None:
        """Nobody is there any more: the command is told so, and not waited for."""
        self._is_left = True
        self._kill(number)

    def _kill(self, number: int) -> None:
        try:
            os.kill(self._pid, number)
        except OSError:
            return  # it is gone, or there is no such signal

    def _attend(self) -> None:
        with closing(self._held.changes()) as changes:
            while not self._is_left:
                pid, status = os.waitpid(self._pid, os.WNOHANG | os.WUNTRACED)
                if pid and not os.WIFSTOPPED(status):
                    self._status = status
                    break
                if pid:
                    self._hand_over(self._pid)
                    self._kill(signal.SIGCONT)
                changed = changes.wait(None, self._bell)
                if changed is None or self._held.job.job_id in changed:
                    self._look()
                with suppress(BlockingIOError):
                    os.read(self._bell, 64)
        self._hand_over(os.getpgrp())

    def _look(self) -> None:
        """Is the allocation still there?"""
        job = self._held.look()
        if self._is_revoked or not (job.state.is_over or job.outcome is not None):
            return
        self._is_revoked = True
        self._held.say(f"Job allocation {job.job_id} has been revoked.")
        text = self._held.values.text("kill_command")
        if "kill_command" in self._held.values.of and self._status is None:
            usual = signal.SIGHUP if self._terminal >= 0 else signal.SIGTERM
            self._kill(signal_number(text) if text else usual)

    def _exit_status(self) -> int:
        """As salloc has it: a command that the user ended by a signal is no failure."""
        if self._is_left:
            return 1
        status = self._status or 0
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        return 0 if os.WTERMSIG(status) in FORGIVEN else 1


# variables that speak of memory only where the user did
MEMORY = {"SLURM_MEM_PER_CPU": "memory_per_cpu", "SLURM_MEM_PER_NODE": "memory_per_node"}
# what a script gets and salloc's command does not
NOT_SALLOCS = frozenset(
    {
        *("SLURMD_NODENAME", "SLURM_CPUS_ON_NODE", "SLURM_GTIDS", "SLURM_JOB_GID", "SLURM_JOB_UID", "SLURM_JOB_USER"),
        *("SLURM_LOCALID", "SLURM_NODEID", "SLURM_PROCID", "SLURM_TOPOLOGY_ADDR", "SLURM_TOPOLOGY_ADDR_PATTERN"),
        *("SLURM_WORKING_CLUSTER", "SLURM_GPUS_ON_NODE"),
    }
)


def _find(name: str) -> str | None:
    """Where the command is."""
    if "/" in name:
        return name if os.access(name, os.X_OK) and not os.path.isdir(name) else None
    for folder in os.environ.get("PATH", "").split(":"):
        path = os.path.join(folder or ".", name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def _become(path: str, words: list[str], environment: dict[str, str], terminal: int, held: Salloc) -> None:
    """Turn this freshly forked process into the command."""
    status = NOT_EXECUTABLE
    try:
        signal.set_wakeup_fd(-1)
        if terminal >= 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(terminal, os.getpid())
        for number in (*IGNORED, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        if held.values.of.get("work_dir"):
            os.chdir(held.job.work_dir)
        os.execve(path, words, environment)
    except OSError as error:
        common.say(f"{held.program}: error: _fork_command: {words[0]}: {error.strerror}")
        status = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    finally:
        os._exit(status)
