"""Values behind an equals sign that cannot be, in sacctmgr's words."""

from __future__ import annotations

from mini_slurm.model.fleet import NORMAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.conditions import Wish
    from mini_slurm.model.fleet import Fleet

MODES = ("off", "cancel", "requeue", "suspend", "gang", "within", "cluster")  # of preemption


def bad_values(program: str, fleet: Fleet, wish: Wish, number: str) -> list[str]:
    """What is said of the first one; `number`: the name of numbers that have to be some, "" where they need not."""
    if number and not all(text.isdecimal() for text in wish.names.get("id", ())):
        return [f"{program}: error: Invalid value for {number} ({wish.texts['id']})"]
    return _bad_qos(program, fleet, wish) or _bad_mode(program, wish)


def _bad_qos(program: str, fleet: Fleet, wish: Wish) -> list[str]:
    known = [name.lower() for name in fleet.qos or (NORMAL,)]
    wanted = [(key, name) for key in ("qos", "defaultqos") for name in sorted(wish.names.get(key, ()))]
    return next(
        (
            [
                f"{program}: error: You gave a bad qos '{name}'. Valid QOS's are {','.join(known)}",
                f" Unknown condition: {wish.words[key]}",
            ]
            for key, name in wanted
            if name not in known
        ),
        [],
    )


def _bad_mode(program: str, wish: Wish) -> list[str]:
    mode = wish.texts.get("-mode", "off")
    if mode.lower() in MODES:
        return []
    return [
        f"{program}: error: Unknown preempt_mode given '{mode}'",
        f" Bad Preempt Mode given: {wish.words['-mode']}",
    ]
