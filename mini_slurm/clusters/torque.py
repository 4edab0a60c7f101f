"""Torque, where it differs from the PBS that it descends from: nodes=N:ppn=M, -t for arrays, XML, exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mini_slurm.clusters import pbs_options
from mini_slurm.clusters import pbs_records as records
from mini_slurm.clusters.base import Order, Unanswered
from mini_slurm.clusters.pbs import Pbs
from mini_slurm.errors import Refused
from mini_slurm.model.foreign import ForeignJob

LONGEST_NAME = 15
# Torque's own numbers for what its mom ended, as OpenPBS has them
CODES = {"-10": "-27", "-11": "-29", "-12": "-28"}
CHUNK = re.compile(r"(\d+)((?::[^:+]+)*)")
TERMINATED = "271"
NOTED = """\
<Data><Job><Job_Id>{id}</Job_Id><job_state>C</job_state><exit_status>{code}</exit_status><comp_time>{end}</comp_time>\
<Variable_List>MINI_SLURM_TAG={tag}</Variable_List></Job></Data>
"""
# what OpenPBS calls the same
NAMES = {"exit_status": "Exit_status", "start_time": "stime", "start_count": "run_count"}
UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # has no place in XML, but in jobs' variables
STEPPED = re.compile(r"(\d+)-(\d+):(\d+)")
AFTER = re.compile(r"(after|afterok|afternotok|afterany):([^,]*\[\][^,]*)")


class Torque(Pbs):
    """A Torque whose commands can be called."""

    letters = "a:A:b:c:C:d:D:e:EfF:hIj:J:k:K:l:L:m:M:nN:o:p:P:q:r:S:t:T:u:v:VW:w:xXzZ:"
    listing = ("-t", "-x")
    history = ()  # there is none: what is over is in the listing for a while
    noted = NOTED

    def translate(
        self, job: ForeignJob, asked: Mapping[str, object], others: Mapping[int, ForeignJob]
    ) -> tuple[list[str], int]:
        """The options of qsub, and how many lines of the node file each task has. Raises Refused."""
        expression = str(asked["array"]) if asked.get("array") else None
        words = pbs_options.translate(job, {**asked, "array": None}, others)
        words[words.index("-N") + 1] = clean_name(job.name)
        select = next(word for word in words if word.startswith("select="))
        place = next(word for word in words if word.startswith("place="))
        at = words.index(select) - 1
        words[at : at + 4] = list(_resources(select.removeprefix("select="), place))
        words = [AFTER.sub(_after_array, word) for word in words]
        return [*words, *(["-t", _array(expression)] if expression else [])], job.cpus_per_task or 1

    def judged(self, order: Order) -> list[tuple[str, str, str, list[int]]]:
        """Nothing: afterokarray heeds how the tasks ended."""
        return []

    def records(self, output: bytes) -> Iterator[tuple[str, dict[str, str]]]:
        """Each job's name and attributes, under the names that OpenPBS has for them."""
        from xml.etree import ElementTree

        if not output.strip():
            return
        text = UNFIT.sub("?", output.decode("utf-8", "backslashreplace"))
        try:
            jobs = ElementTree.fromstring(f"<All>{text}</All>")  # each name that was asked for has a document
        except ElementTree.ParseError as error:
            raise Unanswered(f"qstat -x: {error}") from None
        if "".join([jobs.text or "", *(document.tail or "" for document in jobs)]).strip():
            raise Unanswered("qstat -x: this is no XML")
        for job in jobs.iter("Job"):
            given = dict(_flat(job))
            yield given.pop("Job_Id", ""), _as_openpbs(given)


def _as_openpbs(given: dict[str, str]) -> dict[str, str]:
    """A job's attributes under the names, and with the codes, that OpenPBS has for them."""
    given["job_state"] = given.get("job_state", "Q").replace("C", "F")
    for theirs, name in NAMES.items():
        if theirs in given:
            given[name] = given[theirs]
    if "exec_host" in given:
        given["Resource_List.ncpus"] = str(sum(map(_cpus, given["exec_host"].split("+"))))
    code = given.get("Exit_status", "")
    if code == TERMINATED and not records.has_used_up(given):
        given["substate"] = records.DELETED  # qdel and qsig leave no other trace
    if code in CODES:
        given["Exit_status"] = CODES[code]
    return given


def _cpus(part: str) -> int:
    """Those of `node/3`, or `node/0-3,5` as later versions write it."""
    total = 0
    for word in part.partition("/")[2].split(","):
        first, dash, last = word.partition("-")
        total += int(last) - int(first) + 1 if dash and first.isdigit() and last.isdigit() else 1
    return total


def clean_name(name: str) -> str:
    """A name that Torque takes: short, and begun by a letter."""
    clean = pbs_options.clean_name(name)
    return (clean if clean[0].isalpha() else f"j{clean}")[:LONGEST_NAME]


def _array(expression: str) -> str:
    """The tasks without steps, which Torque does not know."""
    return STEPPED.sub(
        lambda found: ",".join(map(str, range(int(found[1]), int(found[2]) + 1, int(found[3])))), expression
    )


def _resources(select: str, place: str) -> Iterator[str]:
    """The chunks as nodes=, what they need in all, and whether the nodes are to be the job's alone."""
    parts, memory = [], 0
    for text in select.split("+"):
        found = CHUNK.fullmatch(text)
        assert found, text
        of = dict(word.partition("=")[::2] for word in found[2].split(":") if word)
        gpus = f":gpus={of['ngpus']}" if "ngpus" in of else ""
        nodes, cpus = found[1], int(of["ncpus"])
        if place.startswith("place=free"):  # its nodes are always different ones: what may share one asks for one
            nodes, cpus = "1", int(nodes) * cpus
        parts.append(f"{of.get('host', nodes)}:ppn={cpus}{gpus}")
        memory += int(found[1]) * int(of.get("mem", "0mb").removesuffix("mb"))
    yield from ("-l", f"nodes={'+'.join(parts)}")
    if memory:
        yield from ("-l", f"mem={memory}mb")
    if place.endswith("excl"):
        yield "-n"


def _after_array(found: re.Match[str]) -> str:
    """A dependency on arrays has a word of its own."""
    names = found[2].split(":")
    if not all("[]" in name for name in names):
        raise Refused("a dependency on jobs and arrays together cannot be passed to Torque", hint="name one kind")
    return f"{found[1]}array:{found[2]}"


def _flat(job: object) -> Iterator[tuple[str, str]]:
    """The elements of a job; those within others get names with a dot."""
    from xml.etree.ElementTree import Element

    assert isinstance(job, Element)
    for element in job:
        if len(element):
            for inner in element:
                yield f"{element.tag}.{inner.tag}", inner.text or ""
        else:
            yield element.tag, element.text or ""
