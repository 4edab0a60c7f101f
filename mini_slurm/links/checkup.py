"""`mini-slurm doctor` on all machines at once: facts of each, and which others it reaches. See agent/checkup.py."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mini_slurm.agent.archive import program
from mini_slurm.errors import Unreachable
from mini_slurm.links import make_link
from mini_slurm.links.base import Link, RawChannel
from mini_slurm.links.handshake import ended, find_status, said_no
from mini_slurm.links.probe import probe
from mini_slurm.model.cluster_types import CLUSTER_TYPES
from mini_slurm.model.fleet import MachineEntry
from mini_slurm.protocol.messages import Welcome

AT_ONCE = 32  # machines
LONGEST = 8 << 20  # bytes of an answer
KNOCK_PATIENCE = 2.0  # seconds for a connection from one machine to another


class Plan(NamedTuple):
    """What is asked."""

    ranges: Sequence[tuple[str, int, int]]  # of ports, with what they are for; 0, 0: those of programs that ask for any
    token: tuple[str, str]  # a file of the login node's home, and its text
    patience: float  # seconds for each machine's answers
    ssh_config: str | None = None


class Patient(NamedTuple):
    """A machine to be looked at."""

    entry: MachineEntry
    names: Sequence[str]  # by which the others look for it
    has_agent: bool = True
    programs: str | None = None  # the folder of a cluster's commands


@dataclass
class Checkup:
    """What was found out; `trouble` says why no more was."""

    trouble: Unreachable | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    noise: int = 0  # bytes that the login printed before
    clock: tuple[float, float] = (0.0, 0.0)  # seconds that its clock is ahead of ours, at least and at most
    ports: Mapping[str, int] = field(default_factory=dict)  # by range
    reached: Sequence[Mapping[str, Any]] = ()
    welcome: Welcome | None = None  # the agent's


def examine(patients: Sequence[Patient], plan: Plan) -> list[Checkup]:
    """One for each machine, in their order. Waits; a machine that does not answer in time says so in its own."""
    return asyncio.run(_examine(patients, plan))


async def _examine(patients: Sequence[Patient], plan: Plan) -> list[Checkup]:
    room = asyncio.Semaphore(AT_ONCE)
    visits = [Visit(patient, plan) for patient in patients]
    try:
        await asyncio.gather(*(visit.within(room, visit.facts) for visit in visits))
        peers = [visit.as_peer(name) for visit in visits for name in visit.patient.names if visit.found.ports]
        await asyncio.gather(*(visit.within(room, visit.neighbours, peers) for visit in visits))
        await asyncio.gather(*(visit.within(room, visit.farewell) for visit in visits))  # none listens any more
        await asyncio.gather(*(visit.within(room, visit.agent) for visit in visits))
    finally:
        await asyncio.gather(*(visit.close() for visit in visits))
    return [visit.found for visit in visits]


class Visit:
    """The conversation with one machine."""

    def __init__(self, patient: Patient, plan: Plan) -> None:
        self.patient = patient
        self.found = Checkup()
        self._plan = plan
        self._name = patient.entry.name
        self._word = secrets.token_hex(8)
        self._link: Link = make_link(patient.entry, ssh_config=plan.ssh_config)
        self._channel: RawChannel | None = None

    async def within(self, room: asyncio.Semaphore, work: Any, *arguments: Any) -> None:
        """Do it when there is room, in the time that each machine has. Nothing is done after a trouble."""
        if self.found.trouble is not None:
            return
        async with room:
            try:
                async with asyncio.timeout(self._plan.patience):
                    await work(*arguments)
            except Unreachable as error:
                self.found.trouble = error
            except TimeoutError:
                self.found.trouble = Unreachable(
                    f"{self._name}: no answer within {self._plan.patience:g} seconds",
                    hint="is it overloaded, or is a file system gone there? mini-slurm doctor --timeout SECONDS",
                )

    async def facts(self) -> None:
        """What is to be known of it, and have it listen."""
        order = {
            "ranges": self._plan.ranges,
            "word": self._word,
            "token": self._plan.token,
            "programs": self.patient.programs,
            "commands": sorted({known.submit for known in CLUSTER_TYPES.values()}),
        }
        self._channel = await self._link.run(program("checkup.py"))
        begin = time.time()
        said = await self._ask(self._channel, order)
        self.found.facts, self.found.ports = said["facts"], said["ports"]
        self.found.clock = (said["time"] - time.time(), said["time"] - begin)

    async def neighbours(self, peers: Sequence[Mapping[str, Any]]) -> None:
        """Have it look for the others."""
        assert self._channel is not None
        others = [peer for peer in peers if peer["word"] != self._word]
        said = await self._ask(self._channel, {"peers": others, "patience": KNOCK_PATIENCE})
        self.found.reached = said["reached"]

    async def farewell(self) -> None:
        """Have it listen no more."""
        assert self._channel is not None
        await self._channel.close()

    async def agent(self) -> None:
        """Have its agent say what the machine has."""
        if self.patient.has_agent:
            self.found.welcome = (await probe(self._link, self._name)).welcome

    def as_peer(self, name: str) -> dict[str, Any]:
        """How the others find it."""
        return {"name": name, "word": self._word, "ports": self.found.ports}

    async def close(self) -> None:
        """End the conversation."""
        await self._link.close()

    async def _ask(self, channel: RawChannel, question: Mapping[str, Any]) -> dict[str, Any]:
        """Send a line; the line that answers. Raises Unreachable."""
        channel.write(json.dumps(question).encode() + b"\n")
        seen = b""
        while len(seen) < LONGEST:
            data = await channel.read()
            if not data:
                raise ended(seen, *await channel.last_words(), self._name)
            start = seen.rfind(b"\n") + 1
            seen += data
            status, rest = find_status(seen, start)
            if status is not None:
                channel.unread(rest)
                self.found.noise += seen.find(b'{"status"')
                return self._checked(status)
        raise Unreachable(f"{self._name}: it prints without end", again=False)

    def _checked(self, status: dict[str, Any]) -> dict[str, Any]:
        if status["status"] != "ready":
            raise said_no(status, self._name)
        return status
