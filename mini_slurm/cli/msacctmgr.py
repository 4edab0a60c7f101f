"""msacctmgr: show accounts, users, associations and QOS, as the fleet file has them."""

from __future__ import annotations

from mini_slurm.cli import common, conversation, listing
from mini_slurm.cli.accounts.session import Session
from mini_slurm.options import sacctmgr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option

ABOUT = "Show accounts, users, associations and QOS, as the fleet file has them."
WORDS = "[COMMAND]"


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msacctmgr", msacctmgr, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sacctmgr.OPTIONS)


def verbs() -> list[tuple[str, str]]:
    """The commands that it understands, and what each does."""
    return [
        ("show ENTITY", "List things of a kind: user, account, association, qos, cluster, tres, ..."),
        ("list ENTITY", "The same."),
        ("help", "Show this help."),
        ("exit", "End a conversation."),
    ]


def msacctmgr(program: str, arguments: list[str]) -> int:
    """Do what the words say, or else what the lines of standard input say; the exit status."""
    read = listing.read(program, arguments, options(program), "msacctmgr")
    if read is None:
        return 0
    chosen, words = read
    return conversation.obey(program, Session(program, chosen), words)
