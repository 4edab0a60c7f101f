"""One call of msreport: how usage is written, its exit status, and its verbs."""

from __future__ import annotations

import os
import sys

from mini_slurm.cli import common
from mini_slurm.cli.reports.kinds import KINDS
from mini_slurm.errors import BadUsage
from mini_slurm.model.abbreviations import means
from mini_slurm.output.report_fields import TIME_FORMATS
from mini_slurm.output.tres import RESOURCES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mini_slurm.cli.reports.kinds import Report
    from mini_slurm.options.listings import Chosen

FORMS = {"nonparsable:4": "", "parsable:8": "parsable", "parsable2:9": "parsable2"}
TIME = next(form for form in TIME_FORMATS if form.title == "Minutes")


class Session:
    """What the verbs share; the exit status is 1 once anything went wrong."""

    def __init__(self, program: str, chosen: Chosen) -> None:
        self.program = program
        self.exit_code = 0
        self.over = False
        self.named = "noheader" not in chosen
        self.form = next((form for form in ("parsable2", "parsable") if form in chosen), "")
        self.time = TIME
        self.by_name = False  # the order of users
        self.clusters = chosen.words("cluster")
        self.is_quiet = "quiet" in chosen
        self._set_time(chosen.text("time"))
        self._set_sort(chosen.text("sort"))
        self.tres = chosen.text("tres") or os.environ.get("SREPORT_TRES")
        self.resources = self._resources()

    def fail(self, *lines: str) -> None:
        """Something was not done: say why."""
        self.exit_code = 1
        sys.stdout.flush()
        for line in lines:
            common.say(line)

    def run(self, words: list[str]) -> None:
        """Do what one line of words asks for."""
        verb, rest = words[0], words[1:]
        kind = next((kind for kind in KINDS if means(verb, kind[0])), None)
        if verb.startswith("#"):
            return
        if kind is not None:
            self._report(verb, rest, kind[1], kind[0].partition(":")[0], kind[2])
        elif means(verb, "sort:1 time:1"):
            self._set(verb, rest)
        elif form := next((form for form in FORMS if means(verb, form)), ""):
            self.form = FORMS[form]
        elif means(verb, "exit:1 quit:4 \\q:2"):
            if rest:
                self.fail(f"too many arguments for keyword:{verb}")
            self.over = not rest
        else:
            self._other(verb)

    def _other(self, verb: str) -> None:
        if means(verb, "help:2"):
            from mini_slurm.cli import help

            help.show(self.program, "msreport")
        elif means(verb, "version:4"):
            print(common.version(self.program))
        elif not means(verb, "quiet:4 verbose:4 local:3"):
            self.fail(f"invalid keyword: {verb}")

    def _report(self, verb: str, words: list[str], table: Sequence[Report], kind: str, names: str) -> None:
        if not words:
            self.exit_code = 1
            if not self.is_quiet:
                self.fail(f"too few arguments for keyword:{verb}")
            return
        report = next((report for report in table if report.names.fits(words[0])), None)
        if report is None:
            self.fail(f"Not valid report {words[0]}", f"Valid {kind} reports are, {names}")
            return
        from mini_slurm.cli.reports import making  # what a conversation may never need

        making.show(self, report, words[1:])

    def _set(self, verb: str, words: list[str]) -> None:
        if not words:
            self.fail(f"too few arguments for keyword:{verb}")
        elif means(verb, "sort:1"):
            self._set_sort(words[0])
        else:
            self._set_time(words[0])

    def _set_time(self, word: str | None) -> None:
        if word is None:
            return
        form = next((form for form in TIME_FORMATS if form.names.fits(word)), None)
        if form is None:
            print(f"unknown time format {word}", end="", file=sys.stderr, flush=True)  # Slurm ends the line no more
        self.time = form or self.time

    def _set_sort(self, word: str | None) -> None:
        if word is None:
            return
        if not means(word, "Name:1 Time:4"):
            common.say(f"unknown timesort format {word}")
        self.by_name = means(word, "Name:1")

    @property
    def is_all(self) -> bool:
        """Are all resources asked for, whichever there are?"""
        return self.tres is not None and "all" in self.tres.lower().split(",")

    def _resources(self) -> list[str]:
        """What is reported on: CPUs, or the resources that are named. Raises BadUsage."""
        if self.tres is None:
            return ["cpu"]
        words = self.tres.lower().split(",")
        found = list(RESOURCES) if self.is_all else [word for word in words if word in RESOURCES]
        if not found:
            raise BadUsage(f"{self.program}: fatal: No valid TRES given", exit_code=1)
        return found
