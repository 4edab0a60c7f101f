"""The verbs of scontrol and what `show` shows: tables, searched as scontrol does it.

To add a verb: a row that names its handler, which is loaded when the verb is called. A handler gets the session, the
verb as it was typed and the words after it; what it could not do it says by `session.fail`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

ANY = 1 << 16
TOO_FEW = "too few arguments for keyword:{}"
TOO_MANY = "too many arguments for keyword:{}"


class Verb:
    """One row of either table; the first row that fits counts."""

    __slots__ = ("few", "goes_on", "handler", "hushed", "is_open", "least", "many", "most", "name", "shortest")

    def __init__(
        self, name: str, shortest: int, handler: str, least: int = 0, most: int = ANY,
        few: str = TOO_FEW, many: str = TOO_MANY, *, hushed: bool = False, goes_on: bool = False,
        is_open: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.shortest = shortest  # how much of the name has to be typed
        self.handler = handler  # module:function
        self.least = least  # words after the verb
        self.most = most
        self.few = few  # what is said when there are fewer
        self.many = many
        self.hushed = hushed  # --quiet keeps back what is said of the number of words
        self.is_open = is_open  # whatever may follow the name
        self.goes_on = goes_on  # with too many words it is done all the same

    def fits(self, word: str) -> bool:
        """Does the word mean this row?"""
        if self.is_open:
            return word.lower().startswith(self.name)
        return len(word) >= self.shortest and self.name.startswith(word.lower())


_OLD_FEW, _OLD_MANY = "too few arguments for {} keyword", "too many arguments for {} keyword"
_ONE = "one arguments required for keyword:{}"
_TWO = "two arguments required for keyword:{}"
_MISSING = "missing argument for keyword:{}"
_HERE = "mini_slurm.cli.control"
# fmt: off
VERBS = (
    Verb("abort", 5, f"{_HERE}.refused:refuse", 0, 1, goes_on=True),
    Verb("all", 2, f"{_HERE}.flags:show_all"),
    Verb("cancel_reboot", 3, f"{_HERE}.refused:refuse", 1, 1, few=_MISSING),
    Verb("create", 2, f"{_HERE}.making:create", 1, few=_OLD_FEW),
    Verb("completing", 2, f"{_HERE}.system:completing", 0, 0),
    Verb("cluster", 2, f"{_HERE}.system:cluster"),
    Verb("details", 1, f"{_HERE}.flags:details", 0, 0),
    Verb("errnumstr", 2, f"{_HERE}.system:errnumstr", 1, 1, few=_ONE, many=_ONE),
    Verb("errnostr", 2, f"{_HERE}.system:errnumstr", 1, 1, few=_ONE, many=_ONE),
    Verb("exit", 2, f"{_HERE}.flags:leave", 0, 0, goes_on=True),
    Verb("gethost", 7, f"{_HERE}.refused:absent", 2, 2, few=_TWO, many=_TWO),
    Verb("hash_file", 9, f"{_HERE}.refused:absent", 1, 2, few=_MISSING),
    Verb("hash", 4, f"{_HERE}.refused:absent", 1, 2, few=_MISSING),
    Verb("help", 2, f"{_HERE}.flags:show_help", 0, 0, goes_on=True),
    Verb("hide", 2, f"{_HERE}.flags:hide"),
    Verb("oneliner", 1, f"{_HERE}.flags:oneliner", 0, 0, goes_on=True),
    Verb("pidinfo", 3, f"{_HERE}.processes:pidinfo", 1, 1, few=_MISSING),
    Verb("ping", 3, f"{_HERE}.system:ping", 0, 0),
    Verb("\\q", 2, f"{_HERE}.flags:quiet", 0, 0, goes_on=True),
    Verb("quiet", 4, f"{_HERE}.flags:quiet", 0, 0, goes_on=True),
    Verb("quit", 4, f"{_HERE}.flags:leave", 0, 0, goes_on=True),
    Verb("reboot_nodes", 3, f"{_HERE}.refused:reboot"),
    Verb("reconfigure", 3, f"{_HERE}.system:reconfigure", 0, 1, goes_on=True),
    Verb("requeue", 3, f"{_HERE}.queue:requeue", 1, hushed=True),
    Verb("requeuehold", 11, f"{_HERE}.queue:requeue", 1, hushed=True),
    Verb("holdu", 5, f"{_HERE}.queue:hold", 1, hushed=True, is_open=True),
    Verb("hold", 4, f"{_HERE}.queue:hold", 1, hushed=True, is_open=True),
    Verb("uhold", 5, f"{_HERE}.queue:hold", 1, hushed=True, is_open=True),
    Verb("release", 3, f"{_HERE}.queue:hold", 1, hushed=True),
    Verb("suspend", 2, f"{_HERE}.queue:suspend", 1, hushed=True),
    Verb("resume", 3, f"{_HERE}.queue:suspend", 1, hushed=True),
    Verb("top", 3, f"{_HERE}.queue:top", 1, 1, hushed=True),
    Verb("token", 3, f"{_HERE}.refused:token"),
    Verb("wait_job", 2, f"{_HERE}.waiting:wait_job", 1, 1, hushed=True),
    Verb("setdebugflags", 9, f"{_HERE}.refused:debug_flags", 1, 1, hushed=True),
    Verb("fsdampeningfactor", 3, f"{_HERE}.refused:dampening", 1, 1, hushed=True),
    Verb("fairsharedampeningfactor", 3, f"{_HERE}.refused:dampening", 1, 1, hushed=True),
    Verb("setdebug", 2, f"{_HERE}.refused:level", 1, 1, hushed=True),
    Verb("schedloglevel", 3, f"{_HERE}.refused:level", 1, 1, hushed=True),
    Verb("show", 3, f"{_HERE}.show:show", 1, hushed=True),
    Verb("write", 5, f"{_HERE}.script:write", 1),
    Verb("takeover", 8, f"{_HERE}.refused:takeover", 0, 1, many="{}: too many arguments"),
    Verb("shutdown", 8, f"{_HERE}.refused:shutdown", 0, 1),
    Verb("update", 1, f"{_HERE}.update:update", 1, few="too few arguments for update keyword"),
    Verb("delete", 1, f"{_HERE}.making:delete", 1, few=_OLD_FEW),
    Verb("verbose", 4, f"{_HERE}.flags:verbose", 0, 0, many=_OLD_MANY, goes_on=True),
    Verb("version", 4, f"{_HERE}.flags:version", 0, 0, many=_OLD_MANY, goes_on=True),
    Verb("listpids", 1, f"{_HERE}.processes:listpids", 0, 2),
    Verb("getent", 6, f"{_HERE}.processes:getent"),
    Verb("notify", 1, f"{_HERE}.queue:notify", 2),
    Verb("callerid", 3, f"{_HERE}.refused:absent", 4, 5),
)
ENTITIES = (
    Verb("aliases", 1, f"{_HERE}.system:aliases", 0, 1, hushed=True),
    Verb("bbstat", 2, f"{_HERE}.system:nothing", 0, ANY, hushed=True),
    Verb("dwstat", 2, f"{_HERE}.system:nothing", 0, ANY, hushed=True),
    Verb("burstbuffer", 2, f"{_HERE}.system:nothing", 0, 1, hushed=True),
    Verb("assoc_mgr", 2, f"{_HERE}.show_associations:show", 0, ANY, hushed=True),
    Verb("cache", 2, f"{_HERE}.show_associations:show", 0, ANY, hushed=True),
    Verb("config", 1, f"{_HERE}.system:config", 0, 1, hushed=True),
    Verb("daemons", 1, f"{_HERE}.system:daemons", 0, 0, hushed=True),
    Verb("federations", 1, f"{_HERE}.system:nothing", 0, 1, hushed=True),
    Verb("frontendname", 1, f"{_HERE}.system:frontends", 0, 1, hushed=True),
    Verb("hostnames", 5, f"{_HERE}.show_hosts:hostnames", 0, 1, hushed=True),
    Verb("hostlist", 5, f"{_HERE}.show_hosts:hostlist", 0, 1, hushed=True),
    Verb("hostlistsorted", 9, f"{_HERE}.show_hosts:hostlistsorted", 0, 1, hushed=True),
    Verb("jobs", 1, f"{_HERE}.show_job:show", 0, 1, hushed=True),
    Verb("jobid", 1, f"{_HERE}.show_job:show", 0, 1, hushed=True),
    Verb("licenses", 2, f"{_HERE}.system:licenses", 0, 1, hushed=True),
    Verb("nodes", 1, f"{_HERE}.show_nodes:node", 0, 1, hushed=True),
    Verb("partitions", 2, f"{_HERE}.show_nodes:partition", 0, 1, hushed=True),
    Verb("partitionname", 2, f"{_HERE}.show_nodes:partition", 0, 1, hushed=True),
    Verb("reservations", 1, f"{_HERE}.reserve:show", 0, 1, hushed=True),
    Verb("reservationname", 1, f"{_HERE}.reserve:show", 0, 1, hushed=True),
    Verb("slurmd", 2, f"{_HERE}.refused:slurmd", 0, 1, hushed=True),
    Verb("steps", 2, f"{_HERE}.show_steps:show", 0, 1, hushed=True),
    Verb("topology", 1, f"{_HERE}.system:topology", 0, 1, hushed=True),
)
# fmt: on


def find(word: str, table: Sequence[Verb]) -> Verb | None:
    """The row that the word means, if any."""
    return next((row for row in table if row.fits(word)), None)
