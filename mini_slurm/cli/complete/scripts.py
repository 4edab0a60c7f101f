"""The scripts that a user's shell reads: each asks `mini-slurm --complete` for what could stand at the cursor."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

BASH = r"""# mini_slurm's commands in bash. To use it: eval "$(mini-slurm completion bash)"
_mini_slurm_complete() {
    local -a answer=()
    local cur=${COMP_WORDS[COMP_CWORD]}
    [[ $cur == [=:]* ]] && cur=${cur:1}
    mapfile -t answer < <(@PROGRAM@ --complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2> /dev/null)
    COMPREPLY=("${answer[@]:1}")
    case ${answer[0]-} in
        nospace) compopt -o nospace ;;
        files)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            ;;
        folders)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            ;;
        commands) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
    esac
}
complete -F _mini_slurm_complete @COMMANDS@
"""
ZSH = r"""# mini_slurm's commands in zsh. To use it: eval "$(mini-slurm completion zsh)", after compinit
_mini_slurm_complete() {
    local -a answer values shown
    local line
    answer=("${(@f)$(@PROGRAM@ --complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null)}")
    case ${answer[1]} in
        files) compset -P '--[^=]#='; _files; return ;;
        folders) compset -P '--[^=]#='; _files -/; return ;;
        commands) compset -P '--[^=]#='; _command_names -e; return ;;
    esac
    for line in "${(@)answer[2,-1]}"; do
        [[ -n $line ]] || continue
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done
    if [[ ${answer[1]} == nospace ]]; then
        compadd -l -S '' -d shown -a values
    else
        compadd -l -d shown -a values
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -D; }
compdef _mini_slurm_complete @COMMANDS@
"""
FISH = r"""# mini_slurm's commands in fish. To use it: mini-slurm completion fish | source
function __mini_slurm_complete
    set -l word (commandline -ct)
    set -l answer (@PROGRAM@ --complete fish (commandline -opc) "$word" 2> /dev/null)
    set -l head (string match -r -- '^--[^=]*=' $word)
    set -l rest (string replace -r -- '^--[^=]*=' '' $word)
    switch "$answer[1]"
        case files
            printf "$head%s\n" (__fish_complete_path "$rest")
        case folders
            printf "$head%s\n" (__fish_complete_directories "$rest" '')
        case commands
            printf "$head%s\n" (__fish_complete_command)
        case '*'
            printf '%s\n' $answer[2..-1]
    end
end
for command in @COMMANDS@
    complete -c $command -f -a '(__mini_slurm_complete)'
end
"""
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def script(shell: str, program: str, commands: Iterable[str]) -> str:
    """The script for a shell; `program` is where mini-slurm is, `commands` are those to complete."""
    text = SHELLS[shell].replace("@COMMANDS@", " ".join(commands))
    return text.replace("@PROGRAM@", shlex.quote(program))
