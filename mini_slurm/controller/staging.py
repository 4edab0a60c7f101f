"""Files of jobs on their way to machines and home: begun when a job is to start, and when it has ended.

A machine gets its part of a job's start when the job's files are there. A job has ended when its results are here: both
are tried again after a cut, and go on where they were.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from mini_slurm.controller.machines import MachineHand
from mini_slurm.controller.stage_in import StageIn
from mini_slurm.controller.stage_out import StageOut
from mini_slurm.controller.stager import Talk, Trouble
from mini_slurm.errors import MiniSlurmError, Unreachable, visible
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.job import Job
from mini_slurm.model.staging import Plan, Result, from_text, joined, within
from mini_slurm.model.states import JobState
from mini_slurm.protocol import flat
from mini_slurm.scheduler.cluster import Cluster, allocation
from mini_slurm.scheduler.decisions import Hold, Start
from mini_slurm.scheduler.events import AttemptRefused, Event, OutputStored, StageNews
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.staging.home import Damaged
from mini_slurm.staging.snapshot import Snapshots

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between two tries
NEWS_PAUSE = 1.0  # seconds between two words on how far it is
TIDY_PAUSE = 3600.0  # seconds between two looks for snapshots that nobody needs
LONGEST = 500  # letters of a reason
THREADS = 3  # that read and write files
MEBIBYTE = 1 << 20
UNITS = ("B", "K", "M", "G", "T")


class Wanted(NamedTuple):
    """An attempt's files on one machine."""

    attempt: str
    machine: str


class Staging:
    """All jobs' files.

    `fail` hears of jobs that cannot start: the job, and why; `say` writes a line into an attempt's error output.
    """

    def __init__(
        self,
        state: str,
        cluster: Cluster,
        machines: Mapping[str, MachineHand],
        post: Callable[[Event], None],
        ring: Callable[[], None],
        fail: Callable[[Job, str], None],
        say: Callable[[str, str], None],
    ) -> None:
        self._state = state
        self._cluster = cluster
        self._machines = machines
        self._post = post
        self._ring = ring
        self._fail = fail
        self._say = say
        self._threads = ThreadPoolExecutor(THREADS, "staging")
        self._locks: dict[str, asyncio.Lock] = {}  # of machines: one job's files after the other's
        self._folders: dict[Wanted, str] = {}
        self._due: list[Start | Hold] = []
        self._tasks: dict[Wanted, asyncio.Task[None]] = {}
        self._tidied_at = -TIDY_PAUSE
        self._cleaning: set[asyncio.Task[None]] = set()

    # --- before the start

    def keeps(self, decision: Start | Hold) -> bool:
        """Does a machine's part of a start have to wait for files? It is due when they are there."""
        job = decision.job
        if job.stage is None:
            return False
        wanted = self._wanted(decision)
        if wanted in self._folders:
            return False
        if wanted not in self._tasks:
            task = self._bring(wanted, decision, self._plan(job, wanted.machine))
            self._tasks[wanted] = asyncio.get_running_loop().create_task(task)
        return True

    def _wanted(self, decision: Start | Hold) -> Wanted:
        machine = decision.machine if isinstance(decision, Hold) else decision.job.node or ""
        return Wanted(self._cluster.attempt_name(decision.job), machine)

    def _plan(self, job: Job, machine: str = "") -> Plan:
        """What the job wants brought; to a machine, what those of its parts want that have it."""
        together = parts(self._cluster, job)
        mine = [part for part in together if not machine or machine in parse_allocation(part.allocation)]
        return joined([from_text(part.stage) for part in mine or [job] if part.stage is not None])

    def due(self) -> list[Start | Hold]:
        """What may be sent now, and is still wanted."""
        due, self._due = self._due, []
        return [one for one in due if self._is_to_start(one.job) and self._wanted(one) in self._folders]

    def _is_to_start(self, job: Job) -> bool:
        return job.job_id in self._cluster.jobs and job.state is JobState.CONFIGURING and job.outcome is None

    def folder(self, job: Job, machine: str) -> str:
        """The job's folder on a machine that has its files."""
        return self._folders[Wanted(self._cluster.attempt_name(job), machine)]

    def there(self, job: Job, machine: str, path: str) -> str:
        """A path of the submit side as it is on the machine: in the job's folder, where that stands for it."""
        if job.stage is None:
            return path
        below = within(os.path.realpath(path), from_text(job.stage).root)
        return path if below is None else f"{self.folder(job, machine)}/{below}".rstrip("/")

    async def there_now(self, job: Job, path: str) -> str:
        """The same on the job's first machine, which is asked where this controller has not heard of the folder yet.

        Raises Unreachable, Trouble.
        """
        wanted = Wanted(self._cluster.attempt_name(job), job.node or "")
        if job.stage is not None and wanted not in self._folders:

            async def ask(talk: Talk) -> str:
                return flat.text(talk.place)

            self._folders[wanted] = await self._once(wanted, ask)
        return self.there(job, wanted.machine, path)

    async def _bring(self, wanted: Wanted, decision: Start | Hold, plan: Plan) -> None:
        """Try until the files are there, or it is known that they cannot be."""
        job, attempt = decision.job, wanted.attempt
        try:
            place = await self._insist(wanted, lambda talk: self._stage_in(talk, attempt, plan))
        except Trouble as error:
            log.warning("job %s: stage-in: %s", job.display_id, error)
            self._tasks.pop(wanted, None)
            if error.is_full:
                self._refuse(wanted, str(error))
            else:
                self._fail(job, _line("stage-in", error))
        except (MiniSlurmError, OSError) as error:
            self._tasks.pop(wanted, None)
            self._fail(job, _line("stage-in", error))
        else:
            self._tasks.pop(wanted, None)
            self._folders[wanted] = place
            self._post(StageNews(attempt, "None"))
            self._due.append(decision)
            self._ring()

    def _refuse(self, wanted: Wanted, why: str) -> None:
        """There is no room: the job waits again, and may go elsewhere."""
        hand = self._machines.get(wanted.machine)
        if hand is not None:
            hand.note_refusal(why)
        self._post(AttemptRefused(wanted.machine, wanted.attempt, False, why))

    async def _stage_in(self, talk: Talk, attempt: str, plan: Plan) -> str:
        note = self._teller(attempt, "stage-in")
        place = await StageIn(plan, Snapshots(self._state), self._threads, note).run(talk)
        return place.decode("utf-8", "surrogateescape")

    # --- after the end

    def pass_on(self, event: Event) -> None:
        """Post an event; that a job's output is stored is told when its results are here, too."""
        job = self._cluster.job_of(event.attempt) if isinstance(event, OutputStored) else None
        plan = None if job is None or job.stage is None else self._plan(job)
        if job is None or plan is None or not plan.results or not isinstance(event, OutputStored):
            self._post(event)
            return
        wanted = Wanted(event.attempt, job.node or "")
        if wanted not in self._tasks:
            task = self._take_home(wanted, job, plan, event)
            self._tasks[wanted] = asyncio.get_running_loop().create_task(task)

    async def _take_home(self, wanted: Wanted, job: Job, plan: Plan, event: OutputStored) -> None:
        """Try until the results of all the job's machines are here, or somebody gives them up."""
        note = self._teller(wanted.attempt, "stage-out")
        stage = StageOut(wanted.attempt, job, plan, self._threads, note)
        self._post(StageNews(wanted.attempt, "stage-out"))
        for machine in allocation(job):
            pause = FIRST_PAUSE
            results = self._plan(job, machine).results
            while not await self._is_home(Wanted(wanted.attempt, machine), stage, results):
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        for line in stage.remarks:
            self._say(wanted.attempt, visible(f"mini_slurm: {line}"))
        self._tasks.pop(wanted, None)
        remark = "" if job.is_batch else visible("; ".join(stage.remarks))[:LONGEST]
        self._post(event._replace(remark=remark))

    async def _is_home(self, wanted: Wanted, stage: StageOut, results: Collection[Result]) -> bool:
        """One machine's results: False when something is in the way, which the job's reason tells."""

        async def take(talk: Talk) -> str:
            self._folders[wanted] = flat.text(talk.place)  # so that it is removed in the end
            await stage.run(talk, wanted.machine, results)
            return ""

        try:
            await self._insist(wanted, take)
        except (Trouble, OSError, Damaged) as error:
            why = _line("stage-out", error)
            log.warning("%s: %s", wanted.attempt, why)
            self._post(StageNews(wanted.attempt, why))
            return False
        return True

    # --- what both have in common

    async def _insist(self, wanted: Wanted, do: Callable[[Talk], Awaitable[str]]) -> str:
        """Do something with the machine's stager, and again after a cut. Raises what is no cut."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._locks.setdefault(wanted.machine, asyncio.Lock()):
                    return await self._once(wanted, do)
            except Unreachable as error:
                log.info("%s: %s", wanted.attempt, error)
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _once(self, wanted: Wanted, do: Callable[[Talk], Awaitable[str]]) -> str:
        hand = self._machines.get(wanted.machine)
        if hand is None:
            raise Unreachable(f"{wanted.machine} is not in the fleet any more")
        talk = Talk(await hand.open_stager(), wanted.machine)
        try:
            limit = self._cluster.fleet.stage_cache * MEBIBYTE
            await talk.greet(wanted.attempt, limit, self._living())
            return await do(talk)
        except flat.BadFrame as error:
            raise Unreachable(f"{wanted.machine}: its stager makes no sense: {error}", again=False) from None
        finally:
            await talk.close()

    def _living(self) -> list[str]:
        """The attempts whose folders may not go."""
        jobs = self._cluster.jobs.values()
        return [self._cluster.attempt_name(job) for job in jobs if job.stage is not None and job.node]

    def _teller(self, attempt: str, what: str) -> Callable[[int, int], None]:
        """What says from time to time, as the job's reason, how far its files are."""
        loop = asyncio.get_running_loop()
        said_at = loop.time()

        def note(done: int, total: int) -> None:
            nonlocal said_at
            if loop.time() - said_at >= NEWS_PAUSE:
                said_at = loop.time()
                self._post(StageNews(attempt, f"{what}: {100 * done // max(total, 1)}% of {amount(total)}"))

        return note

    # --- afterwards

    def drop(self, attempt: str) -> None:
        """The attempt was given up, or its job is over: nothing is brought any more, and its folders may go."""
        for wanted in [wanted for wanted in self._tasks if wanted.attempt == attempt]:
            self._tasks.pop(wanted).cancel()
        for wanted in [wanted for wanted in self._folders if wanted.attempt == attempt]:
            del self._folders[wanted]
            task = asyncio.get_running_loop().create_task(self._clean(wanted))
            self._cleaning.add(task)
            task.add_done_callback(self._cleaning.discard)

    async def _clean(self, wanted: Wanted) -> None:
        """Have a folder removed. What cannot be removed now goes when files are brought there next."""
        try:
            await self._once(wanted, _drop)
        except (Unreachable, Trouble) as error:
            log.info("%s: its folder stays for now: %s", wanted.attempt, error)
        now = asyncio.get_running_loop().time()
        if now - self._tidied_at > TIDY_PAUSE:
            self._tidied_at = now
            plans = [from_text(job.stage) for job in self._cluster.jobs.values() if job.stage is not None]
            wanted_names = [plan.snapshot for plan in plans if plan.snapshot]
            with suppress(OSError):
                await asyncio.get_running_loop().run_in_executor(
                    self._threads, Snapshots(self._state).tidy, wanted_names
                )

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is under way."""
        return [*self._tasks.values(), *self._cleaning]

    def close(self) -> None:
        """No more files are read."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _drop(talk: Talk) -> str:
    await talk.send("drop")
    await talk.hear("dropped", 0)
    return ""


def _line(what: str, error: Exception) -> str:
    """A fault as one line of text, whatever names of files are in it: the database takes nothing else."""
    why = str(error)
    if isinstance(error, OSError):
        why = f"{os.fsdecode(error.filename or '')}: {error.strerror or error}"
    return visible(f"{what}: {why}")[:LONGEST]


def amount(size: int) -> str:
    """Bytes in a unit that people read: `900B`, `1.2G`."""
    number, unit = float(size), 0
    while number >= 1000 and unit < len(UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f}{UNITS[unit]}" if unit and number < 10 else f"{number:.0f}{UNITS[unit]}"
