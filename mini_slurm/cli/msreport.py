"""msreport: what machines did and what accounts and users used in a period."""

from __future__ import annotations

from mini_slurm.cli import common, conversation, listing
from mini_slurm.cli.reports.session import Session
from mini_slurm.options import sreport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option

ABOUT = "Show what machines did and what accounts and users used in a period."
WORDS = "[COMMAND]"


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msreport", msreport, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sreport.OPTIONS)


def verbs() -> list[tuple[str, str]]:
    """The commands that it understands, and what each does."""
    return [
        ("cluster REPORT [CONDITION...]", "AccountUtilizationByUser, UserUtilizationByAccount or Utilization."),
        ("user TopUsage [CONDITION...]", "Who used most: TopCount= of them, with Group all accounts of a user as one."),
        ("job SizesByAccount [CONDITION...]", "The time that jobs of each size took."),
        ("reservation Utilization", "What reservations gave: there are none."),
        ("time FORM", "How usage is written, as with -t."),
        ("sort ORDER", "The order of users: Name or Time."),
        ("parsable, parsable2, nonparsable", "As with -p, with -P, without either."),
        ("help", "Show this help."),
        ("exit", "End a conversation."),
    ]


def msreport(program: str, arguments: list[str]) -> int:
    """Do what the words say, or else what the lines of standard input say; the exit status."""
    read = listing.read(program, arguments, options(program), "msreport")
    if read is None:
        return 0
    chosen, words = read
    return conversation.obey(program, Session(program, chosen), words)
