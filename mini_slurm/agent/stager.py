"""The stager: brings files of jobs to this machine, and from it. Runs as long as its channel does, beside the agent.

It answers what the submit side asks, frame by frame. What it has taken in is on disk in its cache: after a cut the next
one goes on from there.
"""

import os
from typing import BinaryIO, Callable, Dict, Iterator, List, Optional, Set

from mini_slurm.agent import spool, stage_folder
from mini_slurm.agent.stage_cache import Cache, clear, make_private
from mini_slurm.agent.stage_delta import Deltas
from mini_slurm.agent.stage_folder import Builder
from mini_slurm.agent.stage_spares import Spares
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import FILE, Entry, is_digest, is_inside, pack_entries, unpack_entries

READ_SIZE = 1 << 18  # bytes
JOBS = "jobs"  # the folders of attempts
DRAFT = ".draft-"  # prefix of those that are not whole


class Stager:
    """Answers questions about one attempt."""

    def __init__(self, root: str, say: Callable[[bytes], None] = lambda frame: None) -> None:
        """`say` sends a frame that is not an answer to another, but comes when rsync has something to say."""
        self._root = root
        self._say = say
        self._folder = os.path.join(root, "stage")
        self._attempt = ""
        self._cache: Optional[Cache] = None
        self._deltas: Optional[Deltas] = None
        self._entries: Dict[bytes, Entry] = {}
        self._seen: Dict[bytes, bytes] = {}  # names that lead to what this machine sees -> where that is
        self._sizes: Dict[str, int] = {}  # of contents that are to come
        self._damaged: List[str] = []
        self._answers: Dict[str, Callable[[List[bytes]], Iterator[bytes]]] = {
            "hello": self._hello,
            "anew": self._begin_anew,
            "look": self._look,
            "see": self._see,
            "entries": self._take_entries,
            "need": self._need,
            "basis": self._basis,
            "delta": self._delta,
            "pipe": self._pipe,
            "data": self._data,
            "stored": self._stored,
            "build": self._build,
            "find": self._find,
            "get": self._get,
            "drop": self._drop,
        }

    def take(self, frame: List[bytes]) -> Iterator[bytes]:
        """The frames that answer this one. Raises BadFrame."""
        kind = flat.text(frame[0]) if frame else ""
        if kind not in self._answers or (self._cache is None) != (kind == "hello"):
            raise flat.BadFrame(f"{kind[:40]!r} makes no sense here")
        try:
            yield from self._answers[kind](frame[1:])
        except OSError as error:
            is_full = error.errno in spool.FULL
            why = f"{os.fsdecode(error.filename or self._folder)}: {error.strerror or error}"
            yield flat.pack("error", "full" if is_full else "fault", why)

    def close(self) -> None:
        """The channel has ended."""
        if self._deltas is not None:
            self._deltas.close()
        if self._cache is not None:
            self._cache.close()

    @property
    def _place(self) -> str:
        return os.path.join(self._folder, JOBS, self._attempt)

    def _hello(self, fields: List[bytes]) -> Iterator[bytes]:
        """Whose attempt this is about, how large the cache may be, and which others of this state folder there are."""
        attempt, limit, kept = flat.text(fields[0]), flat.number(fields[1]), set(flat.strings(fields[2]))
        if not spool.valid_name(attempt):
            raise flat.BadFrame(f"no attempt: {attempt[:80]!r}")
        self._attempt = attempt
        state = attempt.partition(".")[0]
        make_private(self._folder)
        make_private(os.path.join(self._folder, JOBS))
        self._cache = Cache(self._folder, state, limit)
        self._deltas = Deltas(self._cache, state, self._say)
        self._spares = Spares(self._folder)
        self._sweep(state, kept | {attempt})
        is_there = "1" if os.path.isdir(self._place) else "0"
        yield flat.pack("hello", self._place, is_there)

    def _sweep(self, state: str, kept: Set[str]) -> None:
        """Remove the folders of attempts that nobody knows any more, neither there nor here."""
        for name in os.listdir(os.path.join(self._folder, JOBS)):
            attempt = name[len(DRAFT) :] if name.startswith(DRAFT) else name
            is_over = attempt not in kept and not os.path.lexists(os.path.join(self._root, "attempts", attempt))
            if attempt.partition(".")[0] == state and is_over:
                clear(os.path.join(self._folder, JOBS, name))
                self._spares.forget(attempt)

    def _begin_anew(self, fields: List[bytes]) -> Iterator[bytes]:
        """What was said of the folder counts no more: its files were written to meanwhile."""
        for known in (self._entries, self._seen, self._sizes, self._damaged):
            known.clear()
        yield from ()

    def _look(self, fields: List[bytes]) -> Iterator[bytes]:
        """Which of these does the machine see under the same name?"""
        entries = [entry for field in fields for entry in unpack_entries(field)]
        yield flat.pack("seen", "".join("1" if stage_folder.is_seen(entry) else "0" for entry in entries))

    def _see(self, fields: List[bytes]) -> Iterator[bytes]:
        """These names are to lead to what is seen."""
        pairs = iter(fields)
        for path, source in zip(pairs, pairs):
            if not is_inside(path) or not path or not source.startswith(b"/"):
                raise flat.BadFrame(f"no name: {path!r}")
            self._seen[path] = source
        yield from ()

    def _take_entries(self, fields: List[bytes]) -> Iterator[bytes]:
        """Some of what the folder is to have."""
        for field in fields:
            for entry in unpack_entries(field):
                if entry.kind == FILE and not is_digest(entry.digest):
                    raise flat.BadFrame(f"no digest of {entry.path!r}")
                self._entries[entry.path] = entry
        yield from ()

    def _need(self, fields: List[bytes]) -> Iterator[bytes]:
        """Which contents are missing, each with the bytes of it that are here."""
        assert self._cache is not None
        wanted = {entry.digest: entry.size for entry in self._entries.values() if entry.kind == FILE}
        missing: List[str] = []
        for digest, size in wanted.items():
            if not size and not self._cache.has(digest, 0):
                self._cache.add(digest, 0, b"", 0)
            elif size and not self._cache.has(digest, size):
                self._sizes[digest] = size
                missing += [digest, str(min(self._cache.begun(digest), size))]
        yield flat.pack("need", flat.nest(missing))

    def _basis(self, fields: List[bytes]) -> Iterator[bytes]:
        """Of contents that are missing, and older ones of the same files: which can they be made from here?"""
        assert self._deltas is not None
        pairs, found = iter(fields), []
        for digest, older in zip(pairs, pairs):
            names = flat.strings(older)
            if not all(map(is_digest, [flat.text(digest), *names])):
                raise flat.BadFrame(f"no digest: {digest[:80]!r}")
            found.append(self._deltas.basis(flat.text(digest), names))
        yield flat.pack("basis", flat.nest(found))

    def _delta(self, fields: List[bytes]) -> Iterator[bytes]:
        """A content comes as what has changed of another: the two, and how the other side's rsync calls ours."""
        assert self._deltas is not None
        digest, basis, *words = map(flat.text, fields)
        if digest not in self._sizes or not is_digest(basis):
            raise flat.BadFrame(f"nobody asked for {digest[:80]!r}")
        self._deltas.begin(digest, self._sizes[digest], basis, words)
        yield from ()

    def _pipe(self, fields: List[bytes]) -> Iterator[bytes]:
        """What that rsync says."""
        assert self._deltas is not None
        self._deltas.pipe(b"".join(fields))
        yield from ()

    def _data(self, fields: List[bytes]) -> Iterator[bytes]:
        """Pieces of contents: digest, offset, bytes."""
        assert self._cache is not None
        triples = iter(fields)
        for name, offset, data in zip(triples, triples, triples):
            digest = flat.text(name)
            if digest not in self._sizes:
                raise flat.BadFrame(f"nobody asked for {digest[:80]!r}")
            if not self._cache.add(digest, flat.number(offset), data, self._sizes[digest]):
                self._damaged.append(digest)
        yield from ()

    def _stored(self, fields: List[bytes]) -> Iterator[bytes]:
        """All was sent: what of it came damaged?"""
        damaged, self._damaged = self._damaged, []
        yield flat.pack("stored", flat.nest(damaged))

    def _build(self, fields: List[bytes]) -> Iterator[bytes]:
        """Make the folder; one that is there is whole."""
        assert self._cache is not None
        if not os.path.isdir(self._place):
            try:
                self._make_folder()
            except OSError as error:
                if error.errno not in spool.FULL:
                    raise
                self._spares.drop(0)
                self._cache.make_room()
                self._make_folder()
        yield flat.pack("built", self._place)

    def _make_folder(self) -> None:
        assert self._cache is not None
        draft = os.path.join(self._folder, JOBS, DRAFT + self._attempt)
        clear(draft)
        try:
            there = self._spares.take(self._entries, draft)
            Builder(self._cache, draft, there).build(self._entries, self._seen)
            self._spares.note(self._attempt, self._entries, draft)
            os.rename(draft, self._place)
        except OSError:
            clear(draft)
            raise

    def _find(self, fields: List[bytes]) -> Iterator[bytes]:
        """What patterns match of what the job left, each with its pattern's number."""
        found: Dict[int, List[Entry]] = {}
        if os.path.isdir(self._place):
            for number, entry in stage_folder.find(os.fsencode(self._place), fields):
                found.setdefault(number, []).append(entry)
        for number, entries in found.items():
            for field in pack_entries(entries):
                yield flat.pack("found", number, field)
        yield flat.pack("end")

    def _get(self, fields: List[bytes]) -> Iterator[bytes]:
        """Send files: path and offset of each; the bytes, then the checksum of the whole."""
        pairs = iter(fields)
        for path, offset in zip(pairs, pairs):
            if not is_inside(path):
                raise flat.BadFrame(f"no path: {path!r}")
            blocks = stage_folder.read(os.fsencode(self._place), path, flat.number(offset))
            before = next(blocks)
            for block in blocks:
                yield flat.pack("bytes", before)
                before = block
            yield flat.pack("sum", before)

    def _drop(self, fields: List[bytes]) -> Iterator[bytes]:
        """The job is over, and all that was wanted of its folder has been taken home."""
        known = os.path.join(self._root, "attempts", self._attempt)
        if os.path.lexists(known) and not os.path.lexists(os.path.join(known, "ended.json")):
            self._spares.forget(self._attempt)  # processes of it may be left
            clear(self._place)
        else:
            self._spares.keep(self._attempt, self._place)
        yield flat.pack("dropped")


def main(root: str, stdin: BinaryIO) -> None:
    """Answer on standard output what is asked on standard input, to its end. Raises BadFrame. `root`: the spool."""
    stager, reader = Stager(root, _write), flat.Reader()
    try:
        while True:
            data = stdin.read1(READ_SIZE)  # type: ignore[attr-defined]
            if not data:
                return
            for frame in reader.feed(data):
                for answer in stager.take(frame):
                    _write(answer)
    finally:
        stager.close()


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]
