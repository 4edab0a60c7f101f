"""Who holds which CPUs, memory and GPUs of this machine: one file a claim, in a folder common to all users.

A claim is alive while somebody holds an exclusive flock on its file: its stepd, and the agent that started it. The
kernel drops that lock with the last of them, so no claim outlives a crash or a reboot, and no process numbers, which
mean nothing across containers, have to be believed. The folder itself is the lock under which claims are read and made.
"""

import fcntl
import json
import os
import stat
import time
from contextlib import contextmanager, suppress
from itertools import count
from types import MappingProxyType
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from mini_slurm.agent.picking import Held, Unavailable, Wish, check_memory, pick_cpus, pick_gpus, pick_shares

LOCK_PATIENCE = 2.0  # seconds
LARGEST = 1 << 20  # bytes of a claim that is believed
NO_SHARES: Mapping[str, Sequence[int]] = MappingProxyType({})
SPARE = ".spare-"  # in the name of a file that claims nothing now


class Claim(NamedTuple):
    """What was handed out, and the open file that holds it."""

    path: str
    descriptor: int
    cpus: List[int]
    memory: int
    gpus: List[str]  # UUIDs
    shares: Mapping[str, Sequence[int]] = NO_SHARES  # those that it has a part of only: how much, out of how much
    common: bool = False

    def order(self) -> Dict[str, Any]:
        """What a stepd is told of it, JSON."""
        return {**self._asdict(), "shares": dict(self.shares)}


class Survey(NamedTuple):
    """Who claims something here: the pids of their agents, and by UUID the users that hold a GPU."""

    agents: List[int]
    gpus: Dict[str, List[int]]

    def is_of_other(self, uuid: str, pid: int) -> bool:
        """Is this process one of another user who holds that GPU?"""
        with suppress(OSError):
            uid = os.stat(f"/proc/{pid}").st_uid
            return uid != os.geteuid() and uid in self.gpus.get(uuid, [])
        return False


class Claims:
    """The claims of one agent, and its view of those of the others."""

    def __init__(self, folder: str, cpus: List[int], memory: int) -> None:
        self.folder = folder
        self.cpus = cpus
        self.memory = memory
        self.gpus: List[Dict[str, Any]] = []
        self.own: Dict[str, Claim] = {}  # file name -> claim
        self._known: Dict[str, Held] = {}  # ... -> what it leaves no room for
        self.avoided: Set[str] = set()  # UUIDs of GPUs that somebody uses by hand
        self._spares: List[str] = []  # paths of files that were claims, used again as agent/spares.py does
        self._numbers = count()

    def take(self, attempt: str, wish: Wish) -> Claim:
        """Claim what an attempt needs. Raises Unavailable, OSError."""
        with self.locked():
            held = self._held()
            cpus = pick_cpus(self.cpus, wish, held)
            check_memory(self.memory, wish, held)
            shared = {uuid for uuid, _ in held.shares}
            gpus = pick_gpus(self.gpus, wish.gpus, {*held.gpus, *shared, *self.avoided})
            shares = pick_shares(self.gpus, wish, {*held.gpus, *gpus, *self.avoided}, held.shares)
            return self._write(attempt, cpus, wish.memory, [*gpus, *shares], shares, wish.common)

    def restore(self, attempt: str, memory: int, started: Dict[str, Any], common: bool) -> Claim:
        """Claim again what a running attempt holds, after its stepd was lost. Raises Unavailable, OSError."""
        with self.locked():
            return self._write(attempt, started["cpus"], memory, started["gpus"], started.get("shares", {}), common)

    def survey(self) -> Survey:
        """Who claims what here. Raises Unavailable, OSError."""
        agents, gpus = [os.getpid()], {}  # type: List[int], Dict[str, List[int]]
        with self.locked():
            for uid, claim in self._claims():
                agents.append(claim.agent)
                for uuid in [*claim.gpus, *(uuid for uuid, _ in claim.shares)]:
                    gpus.setdefault(uuid, []).append(uid)
        return Survey(agents, gpus)

    def lend(self, name: str, cpus: List[int]) -> None:
        """Others may have these CPUs of a claim of this agent's; none: it has them back."""
        mine = self.own.get(name)
        if mine:
            self._known[name] = _own(mine)._replace(cpus=[], common=(), lent=cpus) if cpus else _own(mine)

    def release(self, claim: Claim) -> None:
        """Give a claim back; one without a file holds some of another claim, which is not given back with it."""
        if not claim.path:
            os.close(claim.descriptor)
            return
        self.own.pop(os.path.basename(claim.path), None)
        self._known.pop(os.path.basename(claim.path), None)
        spare = f"{self.folder}/{os.geteuid()}{SPARE}{os.getpid()}-{next(self._numbers)}"
        give_back(claim)
        with suppress(FileNotFoundError):
            os.rename(claim.path, spare)
            self._spares.append(spare)
        os.close(claim.descriptor)

    def tidy(self) -> None:
        """Remove the spare files that agents of this user have left. One that still runs makes do without."""
        if os.path.isdir(self.folder):
            for name in os.listdir(self.folder):
                if name.startswith(f"{os.geteuid()}{SPARE}"):
                    with suppress(FileNotFoundError):
                        os.unlink(f"{self.folder}/{name}")

    def keep_fresh(self) -> None:
        """Touch the claims, as /var/tmp is swept of files that nobody has used for a month."""
        for claim in self.own.values():
            os.utime(claim.descriptor)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While nobody else reads or makes claims. Raises Unavailable."""
        place = open_folder(self.folder)
        try:
            deadline = time.monotonic() + LOCK_PATIENCE
            while True:
                try:
                    fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Unavailable(f"the claims folder {self.folder} stays locked", busy=True) from None
                    time.sleep(0.001)
            yield
        finally:
            os.close(place)

    def _held(self) -> Held:
        claims = [claim for _, claim in self._claims()]
        return Held(
            [cpu for claim in claims for cpu in claim.cpus],
            sum(claim.memory for claim in claims),
            [gpu for claim in claims for gpu in claim.gpus],
            [share for claim in claims for share in claim.shares],
            lent=[cpu for claim in claims for cpu in claim.lent],
            common=[cpu for claim in claims for cpu in claim.common],
        )

    def _claims(self) -> Iterator[Tuple[int, Held]]:
        """Every claim that is alive, and the user whose it is."""
        yield from ((os.geteuid(), mine) for mine in self._known.values())
        for name in os.listdir(self.folder):
            claim = self._read(name) if name not in self._known and SPARE not in name else None
            if claim:
                uid = name.partition(".")[0]
                yield int(uid) if uid.isdigit() else -1, claim

    def _read(self, name: str) -> Optional[Held]:
        path = f"{self.folder}/{name}"
        try:
            # O_NONBLOCK: what lies here may be anybody's FIFO.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return None
            if not _is_held(descriptor):
                if found.st_uid == os.geteuid():
                    os.unlink(path)
                return None
            return _parse(os.pread(descriptor, LARGEST, 0))
        finally:
            os.close(descriptor)

    def _write(
        self, attempt: str, cpus: List[int], memory: int, gpus: List[str], shares: Mapping[str, Sequence[int]],
        common: bool,
    ) -> Claim:  # fmt: skip
        name = f"{os.geteuid()}.{attempt}"
        path = f"{self.folder}/{name}"
        descriptor = self._open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            value = {"attempt": attempt, "cpus": cpus, "memory": memory, "gpus": gpus, "pid": os.getpid()}
            if shares:
                value["shares"] = dict(shares)
            if common:
                value["common"] = True
            text = json.dumps(value)
            os.write(descriptor, text.encode().ljust(os.fstat(descriptor).st_size))
        except OSError:
            os.unlink(path)
            os.close(descriptor)
            raise
        claim = Claim(path, descriptor, cpus, memory, gpus, shares, common)
        self.own[name], self._known[name] = claim, _own(claim)
        return claim

    def _open(self, path: str) -> int:
        """A claim's file, a spare one if there is any; a dead claim of that name gives way. Raises OSError."""
        while self._spares:
            try:
                os.rename(self._spares.pop(), path)
                return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:  # somebody has tidied up here
                continue
        if os.path.lexists(path):
            os.unlink(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        os.fchmod(descriptor, 0o644)  # whatever the umask says: the agents of others read it
        return descriptor


def default_folder() -> str:
    """Where the claims of all users of this machine lie."""
    return os.environ.get("MINI_SLURM_CLAIMS") or "/var/tmp/mini_slurm-claims"


def open_folder(folder: str) -> int:
    """The claims folder, made if it is missing. Raises Unavailable for one that others could replace, OSError."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
            os.chmod(folder, 0o1777)
        return open_folder(folder)
    except OSError:
        if stat.S_ISLNK(os.lstat(folder).st_mode):
            raise Unavailable(f"the claims folder {folder} is a link: it has to be removed", busy=False) from None
        raise
    mode = os.fstat(place).st_mode
    if mode & 0o002 and not mode & stat.S_ISVTX:
        os.close(place)
        raise Unavailable(f"the claims folder {folder} is not sticky: chmod 1777 {folder}", busy=False)
    return place


def give_back(claim: Claim) -> None:
    """Let others have what is claimed; the file is its agent's to use again, or the next one's to remove."""
    if claim.path:
        fcntl.flock(claim.descriptor, fcntl.LOCK_UN)


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _parse(text: bytes) -> Optional[Held]:
    """A claim as its owner wrote it, which may be anything."""
    try:
        value = json.loads(text)
        cpus, memory, gpus, lent = value["cpus"], value["memory"], value["gpus"], value.get("lent", [])
        shares = {str(uuid): (int(part), int(whole)) for uuid, (part, whole) in value.get("shares", {}).items()}
        pid = value.get("pid")
        fractions = _fractions(shares)
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError):
        return None
    good = isinstance(cpus, list) and isinstance(memory, int) and isinstance(gpus, list) and isinstance(lent, list)
    if not good or not all(isinstance(gpu, str) for gpu in gpus):
        return None
    whole_ones = [gpu for gpu in gpus if gpu not in shares]
    found = Held(cpus, max(memory, 0), whole_ones, fractions, pid if isinstance(pid, int) else 0, lent)
    return found._replace(cpus=[], common=cpus) if value.get("common") is True else found


def _own(claim: Claim) -> Held:
    """What a claim of this agent's leaves no room for."""
    whole = [uuid for uuid in claim.gpus if uuid not in claim.shares]
    found = Held(claim.cpus, claim.memory, whole, _fractions(claim.shares))
    return found._replace(cpus=[], common=claim.cpus) if claim.common else found


def _fractions(shares: Mapping[str, Sequence[int]]) -> List[Tuple[str, float]]:
    """Parts of GPUs; one below 0 would make room that is not there."""
    return [(uuid, max(part / whole, 0.0)) for uuid, (part, whole) in shares.items()]
