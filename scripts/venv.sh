# Sourced by the scripts here: makes .venv and installs the project into it.

# The first Python that is new enough and can make virtual environments; prints its path.
find_python() {
    local candidate path newest=""
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 \
        /usr/bin/python3 /usr/local/bin/python3 "$HOME"/.pyenv/versions/*/bin/python3; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        newest=$path
        if "$path" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "$path"
            return
        fi
    done
    if [ -n "$newest" ]; then
        echo "$0: $newest cannot make virtual environments: install its venv package (Debian: apt install python3-venv)" >&2
    else
        echo "$0: Python 3.11 or newer is needed: install it, or name it: PYTHON=/path/to/python3 $0" >&2
    fi
    return 1
}

# make_venv EXTRAS: .venv with the project and "" or "[dev]"; does nothing when that, or more, is there already.
make_venv() {
    local python base installed
    base="$PWD $(cksum < pyproject.toml)"
    installed=$(cat .venv/installed 2> /dev/null) || installed=""
    if [ "$installed" = "$base $1" ] || [ "$installed" = "$base [dev]" ]; then
        .venv/bin/python -c 'import mini_slurm' 2> /dev/null && return
    fi
    if ! .venv/bin/python -c '' 2> /dev/null; then
        python=$(find_python) || return
        echo "making .venv with $python" >&2
        rm -rf .venv
        "$python" -m venv .venv
    fi
    echo "installing mini_slurm$1 into .venv" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$1"
    echo "$base $1" > .venv/installed
}
