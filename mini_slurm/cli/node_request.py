"""What msinfo is asked for: its options and variables as columns, conditions and an order."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.desk.groups import is_hidden
from mini_slurm.errors import BadUsage
from mini_slurm.model import node_state
from mini_slurm.output import node_fields, node_lines
from mini_slurm.output.layout import Layout, by_letters, by_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mini_slurm.model.fleet import MachineEntry, Partition
    from mini_slurm.options.listings import Chosen
    from mini_slurm.output.nodes import Node

VARIABLES = {"clusters": "SLURM_CLUSTERS", "partition": "SINFO_PARTITION", "sort": "SINFO_SORT"}
NOTHING = "\0"  # what C makes of a letter that is not there
REASON_STATES = "down,fail,drain"  # those that -R shows


class Request:
    """Everything that one call asks for."""

    def __init__(self, program: str, chosen: Chosen) -> None:
        self.program = program
        self.chosen = chosen
        self._read_variables()
        self.format, self._by_name, self.has_own_widths = self._format()
        self._names_places = False
        self.layout = self._layout()
        self._names = self._nodes()
        self.states = chosen.text("states", REASON_STATES if self.by_reason else None)
        self._wanted = self._read_states()
        order = node_lines.ORDER_BY_NODE if self.by_node else node_lines.DEFAULT_ORDER
        self.sort = chosen.text("sort", order) or ""

    @property
    def by_node(self) -> bool:
        """Has each node a line of its own?"""
        return "Node" in self.chosen

    @property
    def by_reason(self) -> bool:
        """Are reasons asked for, whatever the partition?"""
        return "list_reasons" in self.chosen

    def partitions(self, known: Iterable[Partition]) -> list[Partition]:
        """Those that are asked for."""
        wanted = self.chosen.words("partition")
        if wanted is not None:
            return [one for one in known if one.name in wanted]
        return [one for one in known if self._shows_all or not is_hidden(one)]

    @property
    def _shows_all(self) -> bool:
        return "all" in self.chosen or "SINFO_ALL" in os.environ

    def names(self, entry: MachineEntry) -> bool:
        """Is this node asked for, whatever its state?"""
        return self._names is None or not self._names.isdisjoint((entry.name, entry.alias))

    def shows(self, node: Node) -> bool:
        """Is this node asked for?"""
        state = node_lines.listed_state(node)
        answers = not state & node_state.NO_RESPOND
        if not self.names(node.entry) or node.is_future:
            return False
        if ("dead" in self.chosen and answers) or ("responding" in self.chosen and not answers):
            return False
        if self.by_reason and node.reason and not common.is_slurms_name(self.program):
            return True  # also of one that is up, and refuses what is sent there
        return self._wanted is None or self._wanted.has(state, node.alloc_cpus > 0)

    def fitted(self, lines: list[node_lines.Line]) -> Layout:
        """The columns, where they are the usual ones with those of names as wide as the longest name."""
        if self.has_own_widths:
            return self.layout
        partition, nodes = node_fields.widest_names(lines)
        return self._parsed(self.format.replace("{P}", str(partition)).replace("{N}", str(nodes)))[0]

    def _read_variables(self) -> None:
        chosen, environment = self.chosen, os.environ
        if "SINFO_ALL" in environment and "SINFO_PARTITION" in environment:
            raise self._refused(_conflict("SINFO_ALL and SINFO_PARTITION"))
        if "long" in chosen and ("format" in chosen or "long_format" in chosen):
            raise BadUsage(
                f"{self.program}: fatal: Options -o(--format) and -l(--long) are mutually exclusive."
                " Please remove one and retry.",
                exit_code=1,
            )
        if "all" in chosen and "partition" in chosen:
            raise self._refused(_conflict("-a and -p"))
        for field, variable in VARIABLES.items():
            if field != "partition" or "all" not in chosen:
                chosen.default(field, environment.get(variable))

    def _format(self) -> tuple[str, bool, bool]:
        """The format, whether it names its columns, and whether it gives their widths itself."""
        chosen = self.chosen
        given = [field for field in chosen.fields if field in ("format", "long_format")]
        if given:
            return chosen.text(given[-1]) or "", "long_format" in given, True
        long = "long" in chosen
        if "summarize" in chosen:
            return node_fields.SUMMARY, True, False
        if self.by_node:
            return node_fields.BY_NODE_LONG if long else node_fields.BY_NODE, True, False
        if self.by_reason:
            return node_fields.REASONS_LONG if long else node_fields.REASONS, True, False
        variable = os.environ.get("SINFO_FORMAT")
        if variable is not None:
            return variable, False, True
        return node_fields.LONG if long else node_fields.DEFAULT, True, False

    def name_places(self, names: Sequence[str]) -> None:
        """Begin the lines of several places, where these have no heads, with the place's name: of the usual columns."""
        if len(names) > 1 and "noheader" in self.chosen and not self.has_own_widths and not self._names_places:
            self._names_places = True
            self.format = f"cluster:8,{self.format}"
            self.layout = self._layout()

    def _layout(self) -> Layout:
        """The columns; unknown ones are reported."""
        layout, unknown = self._parsed(self.format.replace("{P}", "9").replace("{N}", "9"))
        for word in unknown:
            if self._by_name:
                common.say(f"{self.program}: error: Invalid job format specification: {word}")
            else:
                common.say(f"Invalid node format specification: {word or NOTHING}")
        return layout

    def _parsed(self, text: str) -> tuple[Layout, list[str]]:
        if self._by_name:
            return by_names(text, node_fields.NODE_FIELDS, node_fields.ALIASES, node_fields.EVERY)
        return by_letters(text, node_fields.NODE_FIELDS, node_fields.EVERY)

    def _nodes(self) -> frozenset[str] | None:
        text = self.chosen.text("nodes")
        if text is None:
            return None
        return frozenset(listing.host_names(self.program, text, "nodes"))

    def _read_states(self) -> node_state.Wanted | None:
        if self.states is None:
            return None
        try:
            return node_state.Wanted(self.states)
        except ValueError as error:
            raise self._refused(f'Bad state string: "{error}"', f"valid states: {node_state.VALID}") from None

    def _refused(self, *complaints: str) -> BadUsage:
        return BadUsage(*(f"{self.program}: error: {complaint}" for complaint in complaints), exit_code=1)


def _conflict(names: str) -> str:
    return f"Conflicting options, {names}, specified. Please choose one or the other."
