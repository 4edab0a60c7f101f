"""Slurm's commands that are called in jobs: each is run by a process of its own, which knows what a job may do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

from mini_slurm.model.job import Job
from mini_slurm.protocol.messages import Errand, ErrandGone, ErrandOutput, ErrandOver, Message
from mini_slurm.scheduler.cluster import Cluster, allocation

log = logging.getLogger(__name__)

MOST = 64  # that run at once; others wait
BLOCK = 1 << 16
FAILED = 1  # exit status of a command that could not be run
WORDS = (sys.executable, "-P", "-m", "mini_slurm.cli.errand")


class Errands:
    """Those that are under way."""

    def __init__(self, cluster: Cluster, send: Callable[[str, Message], None], state: str) -> None:
        self._cluster = cluster
        self._send = send
        self._state = state
        self._room = asyncio.Semaphore(MOST)
        self._of: dict[tuple[str, str], asyncio.Task[None]] = {}  # by machine and token

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is to be cancelled at the end."""
        return list(self._of.values())

    def take(self, machine: str, message: Message) -> bool:
        """Is this a message about errands? Then what it says is done."""
        if isinstance(message, Errand):
            job = self._cluster.job_of(message.attempt)
            if job is not None and machine in allocation(job) and (machine, message.token) not in self._of:
                task = asyncio.get_running_loop().create_task(self._run(machine, message, job))
                self._of[machine, message.token] = task
        elif isinstance(message, ErrandGone):
            self._cancel(machine, message.token)
        else:
            return False
        return True

    def end(self, machine: str) -> None:
        """The channel on which these were asked for is gone: nobody waits for them."""
        for other, token in list(self._of):
            if other == machine:
                self._cancel(machine, token)

    def _cancel(self, machine: str, token: str) -> None:
        task = self._of.pop((machine, token), None)
        if task is not None:
            task.cancel()

    async def _run(self, machine: str, errand: Errand, job: Job) -> None:
        status, process = FAILED, None
        try:
            async with self._room:
                process = await self._start(machine, errand, job)
                status = await self._follow(machine, errand, process)
        except OSError as error:
            log.warning("%s of job %s cannot be run: %s", errand.program, job.display_id, error)
        finally:
            self._of.pop((machine, errand.token), None)
            if process is not None and process.returncode is None:
                process.kill()
        self._send(machine, ErrandOver(errand.attempt, errand.token, status))

    async def _start(self, machine: str, errand: Errand, job: Job) -> Process:
        fleet = self._cluster.fleet
        entry = fleet.machines.get(machine)
        order = {
            **{name: value for name, value in errand._asdict().items() if name != "data"},
            "machine": machine,
            "job_id": job.job_id,
            "array_job_id": job.array_job_id,
            "array_task_id": job.array_task_id,
            "may_submit": fleet.submit_from_jobs or (entry is not None and entry.local),
        }
        environment = {**os.environ, "MINI_SLURM_STATE": self._state}
        if fleet.path:
            environment["MINI_SLURM_FLEET"] = fleet.path
        process = await asyncio.create_subprocess_exec(
            *WORDS, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, cwd="/", start_new_session=True
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(order).encode() + b"\n" + errand.data)
        process.stdin.close()
        return process

    async def _follow(self, machine: str, errand: Errand, process: Process) -> int:
        """Hand on what it prints; its exit status."""
        self._send(machine, ErrandOutput(errand.attempt, errand.token, "", b""))

        async def hand_on(stream: str, reader: asyncio.StreamReader | None) -> None:
            while reader is not None and (data := await reader.read(BLOCK)):
                self._send(machine, ErrandOutput(errand.attempt, errand.token, stream, data))

        await asyncio.gather(hand_on("out", process.stdout), hand_on("err", process.stderr))
        status = await process.wait()
        return status if status >= 0 else 128 - status
