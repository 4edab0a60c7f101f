"""One call of msacctmgr: its flags, its exit status, and its verbs."""

from __future__ import annotations

import os
import sys
import time

from mini_slurm.cli import common, listing
from mini_slurm.cli.accounts.entities import ENTITIES
from mini_slurm.cli.accounts.values import bad_values
from mini_slurm.cli.conditions import Wish, conditions
from mini_slurm.model.abbreviations import means
from mini_slurm.output import manager_records
from mini_slurm.output.layout import View
from mini_slurm.output.manager_fields import UnknownField, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.accounts.entities import Entity
    from mini_slurm.model.fleet import Fleet
    from mini_slurm.options.listings import Chosen

CHANGES = (
    "add:3 create:3 archive:3 clear:3 modify:1 update:1 delete:3 remove:3 load:2 dump:3 rollup:2 shutdown:4"
    " reconfigure:4"
)
QUIET = "oneliner:1 quiet:4 verbose:4 readonly:4"
NO_ENTITY = (
    "No valid entity in list command",
    'Input line must include "Account", "Association", "Cluster", "Configuration",',
    '"Event", "Federation", "Problem", "QOS", "Resource", "Reservation",',
    '"RunAwayJobs", "Stats", "Transaction", "TRES", "User", or "WCKey"',
)
NO_STATISTICS = (
    "accounting_storage/slurmdbd: acct_storage_p_get_stats: RC:2002 Your user doesn't have privilege to perform this"
    " action"
)
CONFIGURATION = (
    "AccountingStorageBackupHost ", "AccountingStorageHost", "AccountingStorageParameters", "AccountingStoragePass",
    "AccountingStoragePort", "AccountingStorageType", "AccountingStorageUser", "AuthType", "MessageTimeout",
    "PluginDir", "PrivateData", "SlurmUserId", "SLURM_CONF", "SLURM_VERSION", "TCPTimeout", "TrackWCKey",
)  # fmt: skip


class Session:
    """What the verbs share; the exit status is 1 once anything went wrong."""

    def __init__(self, program: str, chosen: Chosen) -> None:
        self.program = program
        self.exit_code = 0
        self.over = False
        if "verbose" in chosen:
            from mini_slurm.cli.verbose import accounting_loaded

            for line in accounting_loaded(chosen):
                common.say(f"{program}: {line}")
        self._named = "noheader" not in chosen
        self._form = next((form for form in ("parsable2", "parsable") if form in chosen), "")
        self._read_only = "readonly" in chosen
        self._associations = "associations" in chosen
        self._fleet: Fleet | None = None

    def fail(self, *lines: str) -> None:
        """Something was not done: say why."""
        self.exit_code = 1
        sys.stdout.flush()
        for line in lines:
            common.say(line)

    @property
    def fleet(self) -> Fleet:
        """The fleet that counts now. Raises FleetError."""
        if self._fleet is None:
            self._fleet = listing.fleet(listing.open_to_read())
        return self._fleet

    def run(self, words: list[str]) -> None:
        """Do what one line of words asks for."""
        verb, rest = words[0], words[1:]
        if verb.startswith("#"):
            return
        if means(verb, "show:3 list:3"):
            self._show(rest)
        elif means(verb, "exit:4 quit:4 \\q:2"):
            self.over = True
        elif means(verb, "associations:3"):
            self._associations = True
        elif means(verb, "version:4"):
            print(common.version(self.program))
        elif means(verb, "help:2"):
            from mini_slurm.cli import help

            help.show(self.program, "msacctmgr")
        elif means(verb, CHANGES):
            self._refuse(verb, rest)
        elif not means(verb, QUIET):
            self.fail(f"invalid keyword: {words[0]}")

    def _refuse(self, verb: str, words: list[str]) -> None:
        """Accounts are not changed here: in Slurm's words under its name, under ours with where they are kept."""
        from mini_slurm.cli.accounts.refused import READ_ONLY, complaints

        lines = [READ_ONLY] if self._read_only else complaints(self.program, verb, words) or self._files(verb, words)
        if lines and common.is_slurms_name(self.program):
            self.fail(*lines)
            return
        where = self.fleet.path or "a fleet file, and there is none"
        self.fail(f"{self.program}: error: accounts are kept in {where}: change them there")

    def _files(self, verb: str, words: list[str]) -> list[str]:
        """What is said of a file that is to be written or read; nothing for other verbs."""
        from mini_slurm.cli.accounts import files

        if means(verb, "load:2"):
            return files.load(words)
        if not means(verb, "dump:3"):
            return []
        told, complaints = files.dump(self.fleet.name, words)
        if told and common.is_slurms_name(self.program):
            print(told)
        return complaints

    def _show(self, words: list[str]) -> None:
        what = words[0] if words else ""
        if means(what, "configuration:2"):
            self._configuration()
            return
        if means(what, "stats:2"):
            self.fail(f"{self.program}: {NO_STATISTICS}")
            return
        if means(what, "runawayjobs:2 orphanjobs:1 lostjobs:1"):
            self._runaways(words[1:])
            return
        entity = next((entity for entity in ENTITIES if what and entity.names.fits(what)), None)
        if entity is None:
            self.fail(*NO_ENTITY)
            return
        try:
            self._list(entity, words[1:])
        except UnknownField as error:
            self.fail(f"Unknown field '{error}'")

    def _runaways(self, words: list[str]) -> None:
        """There are none; as sacctmgr, which could mend them, this is for administrators."""
        from mini_slurm.cli.accounts.refused import NO_OPERATOR

        if not common.is_slurms_name(self.program):
            listing.show([f"Runaway Jobs: No runaway jobs found on cluster {self.fleet.name}"])
            return
        unknown = Wish(words, conditions("Clusters:1=cluster"), (), "cluster").unknown
        self.fail(*(f" Unknown condition: {word}" for word in unknown), f"{self.program}: error: {NO_OPERATOR}")

    def _list(self, entity: Entity, words: list[str]) -> None:
        wish = Wish(words, entity.conditions, entity.switches, entity.bare)
        if wish.unknown:
            advice = (f" Use keyword 'set' to modify {entity.advice}",) if entity.advice else ()
            self.fail(f" Unknown condition: {wish.unknown[0]}", *advice)
            return
        if wish.repeated.intersection(entity.once):
            self.exit_code = 1  # Slurm says nothing of it
            return
        if complaints := bad_values(self.program, self.fleet, wish, entity.number):
            self.fail(*complaints)
            return
        if self._associations:
            wish.switches.add("associations")
        is_tree = "tree" in wish.switches
        values = manager_records.TREE if is_tree else entity.values
        shown = table(entity.chosen(wish), values, tree=is_tree)
        if entity.denied and common.is_slurms_name(self.program):
            from mini_slurm.cli.accounts.refused import request

            self.fail(*request(self.program, entity.denied))
            return
        records = manager_records.among(entity.records(self.fleet, wish), wish.names)
        view = View(time.time(), listing.moment_format(), host())
        listing.show(shown.text(records, view, named=self._named, form=self._form))

    def _configuration(self) -> None:
        from mini_slurm.config.paths import state_folder
        from mini_slurm.output import config_record

        moment = listing.moment_format()
        known = config_record.Known(self.fleet, host(), state_folder(create=False), 0, "")
        values = dict(config_record.pairs(known))
        listing.show([f"Configuration data as of {moment(time.time())}"])
        values |= {"SlurmUserId": values["SlurmUser"], "AccountingStoragePass": "(null)"}
        listing.show(f"{name:<22} = {values[name.rstrip()]}" for name in CONFIGURATION)


def host() -> str:
    """The login node's name, as Slurm shortens it."""
    return os.uname().nodename.partition(".")[0]
