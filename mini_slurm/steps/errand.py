"""squeue, sbatch, scancel and the like in a job: the submit side runs them, and their words are printed here."""

from __future__ import annotations

import os
import signal
import sys
from select import poll
from time import monotonic

from mini_slurm.errors import BadUsage, MiniSlurmError, Refused, visible
from mini_slurm.model.units import LARGEST_SCRIPT
from mini_slurm.protocol import flat
from mini_slurm.steps import launch, scripts
from mini_slurm.steps.srun import AGENT, MARK, options, own_environment, rows
from mini_slurm.steps.start import end_by_pipe
from mini_slurm.steps.talk import AGENT_SOCKET, GREETING, NoAgent, Talk

PATIENCE = 60.0  # seconds without a controller
LAST_WORDS = 5  # seconds that an answer may take after a SIGTERM
TURN = 1000  # milliseconds between two looks at the clock
SCRIPT_OPTIONS = "sbatch.rows"  # beside this module
CONVERSES = ("scontrol", "sacctmgr", "sreport")  # without words they read their orders from standard input
ONCE = ("sbatch", "sacctmgr", "scontrol")  # what must not be asked for twice
ENDS_ITSELF = ("scancel", "scontrol")  # what a job may be ended by
LOST = "the controller was lost before it answered: look whether it has done what was asked for"
UNREACHED = "Unable to contact slurm controller (connect failure)"


def main(program: str, arguments: list[str]) -> int:
    """Have the submit side run the command; its exit status."""
    try:
        return _main(program, arguments)
    except MiniSlurmError as error:
        for text in error.lines:
            line = visible(text)
            os.write(2, f"{line if isinstance(error, BadUsage) else f'{program}: error: {line}'}\n".encode())
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        end_by_pipe()


def _main(program: str, arguments: list[str]) -> int:
    environment = own_environment()
    if not environment.get(AGENT) or not environment.get(MARK):
        return hand_on(program, arguments)
    script, data = _input(program, arguments, environment)
    if program in ENDS_ITSELF:
        signal.signal(signal.SIGTERM, _answer_first)
    return Call(program, _fields(program, arguments, environment, script, data), environment[AGENT]).run()


def _answer_first(*_: object) -> None:
    """Let the answer come before the end, as Slurm's does: a job that requeues or cancels itself hears that it did."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.alarm(LAST_WORDS)


def hand_on(program: str, arguments: list[str]) -> int:
    """Become the next command of this name on PATH: this is no process of a job any more."""
    own = os.path.dirname(os.path.realpath(sys.argv[0]))
    for folder in os.environ.get("PATH", "").split(":"):
        path = os.path.join(folder, program)
        if folder and os.path.realpath(folder) != own and os.access(path, os.X_OK) and not os.path.isdir(path):
            os.execv(path, [path, *arguments])
    raise Refused("this is no process of a job: there is no agent to ask")


def _input(program: str, arguments: list[str], environment: dict[str, str]) -> tuple[str, bytes]:
    """The path of sbatch's script, and what the command is to read. Raises MiniSlurmError."""
    if program == "sbatch":
        table = rows(os.path.join(os.path.dirname(os.path.abspath(__file__)), SCRIPT_OPTIONS))[0]
        given, words = options(program, arguments, table, {}, {})
        if "wrap" in given or {"help", "usage", "version"} & given.keys():
            return "", b""
        if words:
            return scripts.read(words[0], environment.get("PATH", ""))
    elif program not in CONVERSES or any(not word.startswith("-") for word in arguments):
        return "", b""
    return "", sys.stdin.buffer.read(LARGEST_SCRIPT + 1)


def _fields(
    program: str, arguments: list[str], environment: dict[str, str], script: str, data: bytes
) -> list[bytes | str]:
    umask = os.umask(0)
    os.umask(umask)
    attempt = environment[MARK].partition("-")[0]
    own = os.path.dirname(os.path.abspath(sys.argv[0]))
    folders = [folder for folder in environment.get("PATH", "").split(":") if folder != own]
    sent = {**environment, "PATH": ":".join(folders)}
    sent = {name: value for name, value in sent.items() if name not in (AGENT, MARK)}
    return [
        *("errand", attempt, os.urandom(8).hex(), program, flat.nest(arguments), flat.nest_pairs(sent)),
        *(launch.folder(environment), str(umask), flat.nest_pairs(launch.limits()), script, data),
    ]


class Call:
    """One command that is run elsewhere, from its words to its exit status."""

    def __init__(self, program: str, fields: list[bytes | str], agent: str) -> None:
        self._program = program
        self._fields = fields
        self._talk = Talk(agent, AGENT_SOCKET, GREETING)
        self._deadline = monotonic() + PATIENCE
        self._is_sent = False
        self._has_begun = False
        self._status: int | None = None

    def run(self) -> int:
        """Wait for the answer, and ask again where that does no harm. Raises Refused."""
        while self._status is None:
            self._ask()
            while self._talk.is_open and self._status is None:
                self._turn()
            if self._status is None and (self._has_begun or (self._is_sent and self._program in ONCE)):
                raise Refused(LOST)
        return self._status

    def _ask(self) -> None:
        self._is_sent = False
        try:
            self._talk.connect(max(0.0, self._deadline - monotonic()))
        except NoAgent:
            raise Refused(UNREACHED) from None
        self._fields[2] = os.urandom(8).hex()
        self._talk.say(*self._fields)

    def _turn(self) -> None:
        poller = poll()
        poller.register(self._talk.fileno(), self._talk.awaited)
        for _, events in poller.poll(TURN):
            for frame in self._talk.serve(events):
                self._take(flat.text(frame[0]), frame)
        if not self._has_begun and monotonic() > self._deadline:
            raise Refused(UNREACHED)

    def _take(self, kind: str, frame: list[bytes]) -> None:
        if kind in ("out", "err"):
            self._has_begun = True
            _write(1 if kind == "out" else 2, frame[1])
        elif kind == "sent":
            self._is_sent = True
        elif kind == "over":
            self._status = flat.number(frame[1])
        elif kind == "refused":
            raise Refused(flat.text(frame[1]))
        elif kind == "lost":
            self._talk.close()


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
