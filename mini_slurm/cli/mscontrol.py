"""mscontrol: show jobs, nodes and partitions, and change them."""

from __future__ import annotations

from importlib import import_module

from mini_slurm.cli import common, conversation, listing
from mini_slurm.cli.control.session import Session
from mini_slurm.cli.control.verbs import VERBS
from mini_slurm.desk import places
from mini_slurm.options import scontrol
from mini_slurm.options.grammar import parse
from mini_slurm.options.listings import Chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option

ABOUT = "Show jobs, nodes and partitions, and change them."
WORDS = "[COMMAND]"
NO_OPTIONS = "setdebugflags"  # what follows this verb may begin with a dash


def main() -> int:
    """The console script."""
    return listing.leave(common.run("mscontrol", mscontrol))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, scontrol.OPTIONS)


def verbs() -> list[tuple[str, str]]:
    """The commands that it understands, and what each does: the first line that its handler says of itself."""
    handlers = {verb.name: verb.handler.partition(":") for verb in VERBS}
    return [(name, _meaning(module, function)) for name, (module, _, function) in handlers.items()]


def _knows(user: str | None) -> bool:
    """Is there such a user? As scontrol, by name or number."""
    number = None if user is None else listing.user_number(user)
    return user is None or (number is not None and listing.user_name(number) is not None)


def _meaning(module: str, function: str) -> str:
    return (getattr(import_module(module), function).__doc__ or "").split("\n")[0]


def mscontrol(program: str, arguments: list[str]) -> int:
    """Do what the words say, or else what the lines of standard input say; the exit status."""
    verb = next((index for index, word in enumerate(arguments) if word.lower().startswith(NO_OPTIONS[:8])), None)
    ahead, rest = (arguments, []) if verb is None else (arguments[:verb], arguments[verb:])
    given, words = parse(program, ahead, options(program), permute=True, exit_code=listing.EXIT_CODE)
    chosen = Chosen(given)
    if not _knows(chosen.text("uid")):
        common.say(f'{program}: error: --uid="{chosen.text("uid")}" invalid')
        return 0
    session = Session(program, chosen)
    if "fleet" in chosen:
        common.use_fleet(chosen.text("fleet") or "")
    if "version" in chosen or "help" in chosen:
        session.run(["version" if "version" in chosen else "help"])
    else:
        names = places.chosen(program, chosen, session.db, "cluster", warn=common.say)
        if names and names[0] in places.survey(session.db).clusters:
            from mini_slurm.cli.foreign import hand_over
            from mini_slurm.desk.foreign import place

            session.place = place.find(*common.open_store(), names[0])
            if session.place is not None and session.place.cluster.native:
                return hand_over.hand_over(session.place, "scontrol", arguments, options(program))
        conversation.obey(program, session, words + rest)
    return session.exit_code
