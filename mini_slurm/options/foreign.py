"""#PBS and #BSUB lines, as sbatch takes them: what of them it knows becomes options of its own."""

from __future__ import annotations

from mini_slurm.errors import Refused
from mini_slurm.model.hostlist import compress
from mini_slurm.model.numbers import DIGITS, leading_number
from mini_slurm.options.grammar import Option, Reader, Setting
from mini_slurm.options.script import lines_of, words_of
from mini_slurm.options.table import OPTIONS, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE = 100  # lines that are no comments, after which nothing more is looked for
BY_NAME = {option.long: option for option in (*OPTIONS, *VARIABLES)}
IGNORED = ""


def _row(short: str, long: str, meaning: str, value: str = "required") -> Option:
    """An option of another system; its field is the name of ours, or how it is taken apart."""
    return Option(field=meaning, long=long, short=short, value=value)


# fmt: off
BSUB = (
    _row("c", "cwd", "chdir"), _row("e", "error_file", "error"), _row("J", "job_name", "job-name"),
    _row("m", "hostname", ":hosts"), _row("M", "memory_limit", ":kilobytes"), _row("n", "", ":tasks"),
    _row("o", "output_file", "output"), _row("q", "queue_name", "partition"), _row("W", "time", "time"),
    _row("x", "exclusive", "exclusive", "none"),
)
PBS = (
    _row("a", "start_time", "begin"), _row("A", "account", "account"), _row("c", "checkpoint", IGNORED),
    _row("C", "working_dir", IGNORED), _row("e", "error", "error"), _row("h", "hold", "hold", "none"),
    _row("I", "interactive", IGNORED, "none"), _row("j", "join", IGNORED), _row("J", "job_array", "array"),
    _row("k", "keep", IGNORED), _row("l", "resource_list", ":resources"), _row("m", "mail_options", ":mail"),
    _row("M", "mail_user_list", "mail-user"), _row("N", "job_name", "job-name"), _row("o", "out", "output"),
    _row("p", "priority", "nice"), _row("q", "destination", "partition"), _row("r", "rerunable", IGNORED),
    _row("S", "script_path", IGNORED), _row("t", "array", "array"), _row("u", "running_user", IGNORED),
    _row("v", "variable_list", ":variables"), _row("V", "all_env", IGNORED, "none"),
    _row("W", "attributes", ":attributes"), _row("z", "no_std", IGNORED, "none"),
)
# what -l of PBS may say: what the value ends with, and the name of our option or how the value is taken apart
RESOURCES = {
    "accelerator=": ("", ":accelerator"), "arch=": (",", IGNORED), "cput=": (",", "time"), "file=": (",", "tmp"),
    "host=": (",", IGNORED), "mem=": (",", "mem"), "mpiprocs=": (":", "ntasks-per-node"),
    "naccelerators=": (",", ":accelerators"), "ncpus=": (":", "mincpus"), "nice=": (",", "nice"),
    "nodes=": (",", ":nodes"), "opsys=": (",", IGNORED), "other=": (",", IGNORED), "pcput=": (",", "time"),
    "pmem=": (",", IGNORED), "proc=": (",", ":constraint"), "pvmem=": (",", IGNORED), "select=": (":", "nodes"),
    "software=": (",", IGNORED), "vmem=": (",", IGNORED), "walltime=": (",", "time"),
}
# fmt: on
ANY_CASE = ("accelerator=", "mpiprocs=", "naccelerators=", "ncpus=", "select=")
OF_PBS_PRO = frozenset({"mpiprocs=", "ncpus=", "select="})


def foreign_settings(program: str, name: str, script: bytes, given: Mapping[str, object]) -> Iterator[Setting]:
    """The options in the #BSUB lines or, when there are none, in the #PBS lines. Raises MiniSlurmError.

    `given` is what is known so far; it has to follow what is taken from here.
    """
    for word, options in (("#BSUB", BSUB), ("#PBS", PBS)):
        words = _words(word, name, script)
        if words is not None:
            reader = _Foreign(program, words, options)
            for setting in reader.settings():
                yield from _translated(setting, given)
            if reader.words:
                raise Refused(f"Invalid argument: {reader.words[0]}")
            return


class _Foreign(Reader):
    """getopt_long on another system's options: a mistake ends the submission with other words."""

    def settings(self) -> Iterator[Setting]:
        """One option after the other. Raises Refused."""
        from mini_slurm.errors import BadUsage

        try:
            yield from super().settings()
        except BadUsage as error:
            raise BadUsage(
                error.lines[0], f"{self.program}: error: Unrecognized command line parameter ?", exit_code=1
            ) from None


def _words(magic: str, name: str, script: bytes) -> list[str] | None:
    """The words of all lines that begin so; None when there is none. They may stand below the first command."""
    words: list[str] | None = None
    others = 0
    for number, line in enumerate(lines_of(script), start=1):
        if line.startswith(magic):
            words = words or []
            for word in words_of(name, number, line[len(magic) :]):
                words.append("-c" if word == "-cwd" and magic == "#BSUB" and not len(words) % 2 else word)
        elif not line.startswith("#"):
            others += 1
            if others > PATIENCE:
                break
    return words


def _as(long: str, text: str | None) -> Setting:
    return Setting(BY_NAME[long], text)


def _translated(setting: Setting, given: Mapping[str, object]) -> Iterator[Setting]:
    meaning, text = setting.option.field, setting.text or ""
    if meaning == ":resources":
        yield from _resources(text, given)
    elif meaning.startswith(":"):
        yield from SPECIAL[meaning](text, given)
    elif meaning:
        yield _as(meaning, setting.text)


def _hosts(text: str, given: Mapping[str, object]) -> Iterator[Setting]:
    yield _as("nodelist", text.replace(" ", ","))


def _kilobytes(text: str, given: Mapping[str, object]) -> Iterator[Setting]:
    yield _as("mem-per-cpu", f"{text}K" if text[-1:].isdigit() else text)


def _tasks(text: str, given: Mapping[str, object]) -> Iterator[Setting]:
    """`4`, or the least and the largest number, of which the latter counts."""
    _, comma, most = text.partition(",")
    if comma and not most:
        raise Refused(f"#BSUB -n format not correct given: '{text}'")
    yield _as("ntasks", most if comma else text)


def _mail(text: str, given: Mapping[str, object]) -> Iterator[Setting]:
    events = {"b": "BEGIN", "e": "END", "a": "FAIL"}
    found = [event for letter, event in events.items() if letter in text.lower()]
    yield _as("mail-type", "NONE" if "n" in text.lower() else ",".join(found))


def _variables(text: str, given: Mapping[str, object]) -> Iterator[Setting]:
    before = given.get("export")
    yield _as("export", text if before is None else f"{before},{text}")


def _attributes(text: str, given: Mapping[str, object]) -> Iterator[Setting]:
    name, _, value = text.partition("=")
    if name.lower() in ("umask", "depend") and "=" in text:
        yield _as({"umask": "umask", "depend": "dependency"}[name.lower()], value)


SPECIAL = {
    ":hosts": _hosts,
    ":kilobytes": _kilobytes,
    ":tasks": _tasks,
    ":mail": _mail,
    ":variables": _variables,
    ":attributes": _attributes,
}


# --- the resource list of PBS


def _resources(text: str, given: Mapping[str, object]) -> Iterator[Setting]:
    """A list like `walltime=1:00:00,mem=4gb` or `select=2:ncpus=4:mpiprocs=4`; what is not known is passed over."""
    position, gpus, seen = 0, 0, set()
    while position < len(text):
        key = _key(text[position:])
        if key is None:
            position += 1
            continue
        seen.add(key)
        end, meaning = RESOURCES[key]
        position += len(key)
        value = text[position:].partition(end)[0] if end else ""
        position += len(value) + bool(end)
        if meaning == ":accelerator":
            gpus = max(gpus, int(text[position:].lower().startswith("true")))
        elif meaning == ":accelerators":
            gpus = leading_number(value)[0]
        else:
            yield from _resource(meaning, value, given)
    yield from _cpus_of_tasks(given) if seen >= OF_PBS_PRO else ()
    if gpus > 0:
        yield _as("gres", f"{given['gres']},gpu:{gpus}" if given.get("gres") else f"gpu:{gpus}")


def _key(rest: str) -> str | None:
    """The key that the text begins with."""
    for key in RESOURCES:
        if (rest[: len(key)].lower() if key in ANY_CASE else rest[: len(key)]) == key:
            return key
    return None


def _resource(meaning: str, value: str, given: Mapping[str, object]) -> Iterator[Setting]:
    if meaning == ":nodes":
        yield from _nodes(value)
    elif meaning == ":constraint":
        yield _as("constraint", f"{value},{given['features']}" if given.get("features") else value)
    elif meaning in ("mem", "tmp"):
        yield _as(meaning, value[:-1] if value[-1:].upper() == "B" else value)
    elif meaning:
        yield _as(meaning, value)


def _cpus_of_tasks(given: Mapping[str, object]) -> Iterator[Setting]:
    """CPUs and tasks of each machine say how many CPUs a task has."""
    cpus, tasks = given.get("mincpus"), given.get("ntasks_per_node")
    if isinstance(cpus, int) and isinstance(tasks, int) and cpus > tasks:
        yield _as("cpus-per-task", str(cpus // tasks))


def _nodes(value: str) -> Iterator[Setting]:
    """`2:ppn=4`, `node1+node2:gpus=1`."""
    count = per_node = 0
    hosts: list[str] = []
    for part in value.replace("+", ":").split(":"):
        if part.startswith("gpus="):
            yield _as("gpus-per-node", part.removeprefix("gpus="))
        elif part.startswith("ppn="):
            per_node += leading_number(part.removeprefix("ppn="))[0]
        elif part[:1] and part[0] in DIGITS:
            count += leading_number(part)[0]
        elif part[:1].isalpha():
            hosts.append(part)
    if count:
        yield _as("nodes", str(count))
    if per_node:
        yield _as("ntasks", str(per_node * (count or 1)))
    if hosts:
        yield _as("nodelist", compress(hosts))
