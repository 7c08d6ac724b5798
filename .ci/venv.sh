#!/usr/bin/env bash
# Makes the virtual environment $2 with the interpreter $1, the pinned versions, and zeekml as editable.
set -euo pipefail
python=$1
venv=$2

if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
    echo "zeekml needs Python 3.11, 3.12 or 3.13; found: ${python:-none}." >&2
    echo "Install one (Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package, which Debian keeps apart from Python." >&2
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$package"
    else
        echo "$python lacks the module venv. Install it first: sudo apt install $package" >&2
        exit 1
    fi
fi

if [ ! -x "$venv/bin/python" ]; then
    echo "Making $venv (once; the packages take a few minutes)." >&2
    "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
