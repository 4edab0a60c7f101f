"""Options as getopt reads them, and its complaints."""

# mypy: ignore-errors

import sys

from openpbs.state import VERSION, Stop

QSUB = """\
usage: qsub [-a date_time] [-A account_string] [-c interval]
	[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
	[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
	[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
	[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
	[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]
       qsub --version
"""
QALTER = """\
usage: qalter [-a date_time] [-A account_string] [-c interval] [-e path]
	[-h hold_list] [-j y|n] [-k keep] [-l resource_list]
	[-m mail_options] [-M user_list] [-N jobname] [-o path] [-p priority]
	[-R o|e|oe] [-r y|n] [-S path] [-u user_list] [-W dependency_list]
	[-P project_name] job_identifier...
       qalter --version
"""
QSTAT = """\
usage: 
qstat [-f] [-J] [-p] [-t] [-x] [-E] [-F format | -w] [-D delim] [ job_identifier... | destination... ]
qstat [-a|-i|-r|-H|-T] [-J] [-t] [-u user] [-n] [-s] [-G|-M] [-1] [-w]
	[ job_identifier... | destination... ]
qstat -Q [-f] [-F format] [-D delim] [ destination... ]
qstat -q [-G|-M] [ destination... ]
qstat -B [-f] [-F format] [-D delim] [ server_name... ]
qstat --version
"""
QHOLD = """\
usage: qhold [-h hold_list] job_identifier...
       qhold --version
"""
PBSNODES = """\
usage:	pbsnodes [-{o|r}][-C comment][-s server] host host ...
	pbsnodes -l [-s server]
	pbsnodes [-s server] -v vnode vnode ...
	pbsnodes -a[v][S[j][L]][-F format][-D delim][-s server]
	pbsnodes -[H][S[j][L]][-F format][-D delim] host host ...
	pbsnodes --version

"""


def read(command, letters, words):
    """Options by letter, each with all its values; the words after them; complaints."""
    options, faults, rest = [], [], list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        at = 1
        while at < len(word):
            letter = word[at]
            at += 1
            place = letters.find(letter)
            if place < 0 or letter == ":":
                faults.append(f"{command}: invalid option -- '{letter}'\n")
            elif letters[place + 1 : place + 2] != ":":
                options.append((letter, ""))
            elif at < len(word) or rest:
                options.append((letter, word[at:] or rest.pop(0)))
                at = len(word)
            else:
                faults.append(f"{command}: option requires an argument -- '{letter}'\n")
    return options, rest, faults


def parse(command, letters, words, usage, code=2):
    """Options as pairs, and the words after them. Raises Stop with the usage."""
    if words[:1] == ["--version"]:
        sys.stdout.write(f"pbs_version = {VERSION}\n")
        raise Stop("", 0)
    options, rest, faults = read(command, letters, words)
    if faults:
        raise Stop("".join(faults) + usage, code)
    return options, rest
