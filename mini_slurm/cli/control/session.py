"""One call of mscontrol: its flags, its exit status, and the store and the fleet, opened when they are needed."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module

from mini_slurm.cli import common, listing
from mini_slurm.cli.control.verbs import VERBS, find
from mini_slurm.output.records import RecordView, block
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from mini_slurm.cli.control.verbs import Verb
    from mini_slurm.desk.foreign.place import Place
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.options.listings import Chosen

    Handler = Callable[["Session", str, list[str]], None]


class Session:
    """What verbs share; the exit status is 1 once anything went wrong."""

    def __init__(self, program: str, chosen: Chosen) -> None:
        self.program = program
        self.future = "future" in chosen  # are nodes shown, too, that are not there yet?
        self.all = "all" in chosen or "SCONTROL_ALL" in os.environ
        self.details = "details" in chosen
        self.oneliner = "oneliner" in chosen
        self.quiet = "quiet" in chosen
        self.verbose = "verbose" in chosen
        self._logs_much = chosen.count("verbose") > 1
        self._logs = "verbose" in chosen  # -v as an option also lets Slurm's log speak
        self.user = chosen.text("uid")  # --uid: who asks, by name or number
        self.exit_code = 0
        self.over = False
        self.place: Place | None = None  # the cluster that is spoken to; None: the fleet
        self._db: sqlite3.Connection | None = None
        self._fleet: Fleet | None = None

    def fail(self, line: str = "") -> None:
        """Something was not done: say why, unless --quiet forbids it."""
        self.exit_code = 1
        if line and not self.quiet:
            sys.stdout.flush()
            common.say(line)

    def reject(self, line: str) -> None:
        """What was typed cannot be done: this is said whatever --quiet says."""
        self.exit_code = 1
        sys.stdout.flush()
        common.say(line)

    def complain(self, text: str) -> None:
        """In the words that Slurm's log has for errors, which --quiet does not silence."""
        self.reject(f"{self.program}: error: {text}")

    def advise(self, hint: str) -> None:
        """What to do instead; said under our own name alone."""
        if not common.is_slurms_name(self.program) and not self.quiet:
            common.say(f"{self.program}: hint: {hint}")

    def reopen(self) -> None:
        """Look again at whether there is a database, and whether a controller looks after it."""
        self._db = None

    @property
    def db(self) -> sqlite3.Connection | None:
        """The database, to read; None when there is none yet. Raises StateError."""
        if self._db is None:
            self._db = listing.open_to_read()
        return self._db

    @property
    def fleet(self) -> Fleet:
        """The fleet that counts now. Raises FleetError."""
        if self._fleet is None:
            self._fleet = listing.fleet(self.db)
        return self._fleet

    def nodes(self, text: str) -> list[str]:
        """The nodes of a hostlist; none where it does not parse. Raises FleetError."""
        return [self.fleet.node_name(name) for name in listing.names(text)]

    def view(self) -> RecordView:
        """What records need to know now."""
        view = RecordView(time.time(), listing.moment_format(), details=self.details)
        view.user_name = listing.user_name
        view.shown_tasks = listing.shown_tasks(view.shown_tasks)
        return view

    def speaks(self) -> None:
        """The controller is asked: at -vv, Slurm's log tells at the first time what was loaded for it."""
        if self._logs_much:
            from mini_slurm.cli.verbose import SPEAKING

            self._logs_much = False
            for line in SPEAKING:
                common.say(f"{self.program}: {line}")

    def speaks_of_records(self, *, first: bool = True) -> None:
        """Jobs or machines are looked at, as the `first` thing: Slurm's log tells what was loaded for it."""
        if first:
            self.speaks()
        if self._logs:
            from mini_slurm.cli.verbose import PLUGINS

            self._logs = False
            for line in PLUGINS:
                common.say(f"{self.program}: {line}")

    def count(self, records: int, *, of_now: bool = True) -> None:
        """-v: how many records there are, and of when."""
        if self.verbose:
            view = self.view()
            listing.show([f"last_update_time={view.when(view.now if of_now else None)}, records={records}"])

    def tell(self, line: str) -> None:
        """Say what was not found: on standard output, as scontrol does, unless --quiet forbids it."""
        if not self.quiet:
            listing.show([line])

    def show(self, lines: Sequence[str], *, closed: bool = True) -> None:
        """Print one record."""
        listing.write(block(lines, self.oneliner, closed=closed))

    def run(self, words: list[str]) -> None:
        """Do what one line of words asks for."""
        if self.place is not None or queries.has_foreign(self.db):
            from mini_slurm.cli.foreign.control import elsewhere

            if elsewhere(self, words):
                return
        verb = find(words[0], VERBS)
        if verb is None:
            self.reject(f"invalid keyword: {words[0]}")
        else:
            self.call(verb, words[0], words[1:])

    def call(self, verb: Verb, word: str, words: list[str]) -> None:
        """Have a row's handler do it, if the number of words is right."""
        say = self.fail if verb.hushed else self.reject
        if len(words) < verb.least:
            say(verb.few.format(word))
            return
        if len(words) > verb.most:
            say(verb.many.format(word))
            if not verb.goes_on:
                return
        module, _, function = verb.handler.partition(":")
        handler: Handler = getattr(import_module(module), function)
        handler(self, word, words)
