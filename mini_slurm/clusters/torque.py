"""Torque, where it differs from the PBS that it descends from: nodes=N:ppn=M, -t for arrays, XML, exit codes.

Written after its manual; no Torque has answered this yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mini_slurm.clusters import pbs_options
from mini_slurm.clusters.base import Call, Unanswered
from mini_slurm.clusters.pbs import Pbs
from mini_slurm.errors import Refused
from mini_slurm.model.foreign import ForeignJob

LONGEST_NAME = 15
# Torque's own numbers for what its mom ended, as OpenPBS has them
CODES = {"-10": "-27", "-11": "-29", "-12": "-28"}
CHUNK = re.compile(r"(\d+)((?::[^:+]+)*)")
AFTER = re.compile(r"(after|afterok|afternotok|afterany):([^,]*\[\][^,]*)")


class Torque(Pbs):
    """A Torque whose commands can be called."""

    letters = "a:A:b:c:C:d:D:e:EfF:hIj:J:k:K:l:L:m:M:nN:o:p:P:q:r:S:t:T:u:v:VW:w:xXzZ:"

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
        return [*words, *(["-t", expression] if expression else [])], job.cpus_per_task or 1

    def states(self, jobs: Sequence[ForeignJob] | None) -> Call:
        """One qstat for all, in XML, with the tasks of arrays."""
        names = () if jobs is None else tuple(sorted({self.name(job) for job in jobs}))
        return Call(("qstat", "-t", "-x", *names))

    def find(self, job: ForeignJob) -> Call:
        """All jobs, with those that ended a moment ago."""
        return self.states(None)

    def records(self, output: bytes) -> Iterator[tuple[str, dict[str, str]]]:
        """Each job's name and attributes, under the names that OpenPBS has for them."""
        from xml.etree import ElementTree

        if not output.strip():
            return
        try:
            jobs = ElementTree.fromstring(output)
        except ElementTree.ParseError as error:
            raise Unanswered(f"qstat -x: {error}") from None
        for job in jobs.iter("Job"):
            given = dict(_flat(job))
            given["job_state"] = given.get("job_state", "Q").replace("C", "F")
            if "exit_status" in given:
                given["Exit_status"] = CODES.get(given["exit_status"], given["exit_status"])
            yield given.pop("Job_Id"), given


def clean_name(name: str) -> str:
    """A name that Torque takes: short, and begun by a letter."""
    clean = pbs_options.clean_name(name)
    return (clean if clean[0].isalpha() else f"j{clean}")[:LONGEST_NAME]


def _resources(select: str, place: str) -> Iterator[str]:
    """The chunks as nodes=, what they need in all, and whether the nodes are to be the job's alone."""
    parts, memory = [], 0
    for text in select.split("+"):
        found = CHUNK.fullmatch(text)
        assert found, text
        of = dict(word.partition("=")[::2] for word in found[2].split(":") if word)
        gpus = f":gpus={of['ngpus']}" if "ngpus" in of else ""
        parts.append(f"{of.get('host', found[1])}:ppn={of['ncpus']}{gpus}")
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
