#!/usr/bin/env bash
# Make .venv in the repository root and install mmvidext into it with the given extras (comma-separated, default: openmmlab).
# `onedl` instead of `openmmlab` takes the forks of the toolboxes that are maintained; one environment holds one of the two.
#
#   bash tools/setup_env.sh [EXTRAS]
#
# TORCH_SPEC  what to install as torch (default torch==2.13.0). A torch that the system's Python already has is kept.
# VENV        where the environment lies (default .venv); run_tests.sh and quickstart.sh use it, too.
# PYTHON      the Python to start from (default python3).
#
# Nothing is done when .venv already holds what setup.cfg, the constraints and the extras require.
set -euo pipefail
cd "$(dirname "$0")/.."

extras=${1:-openmmlab}
python=${PYTHON:-python3}
torch_spec=${TORCH_SPEC:-torch==2.13.0}
venv=${VENV:-.venv}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "mmvidext needs Python 3.10 or newer, and '$python' is $("$python" --version 2>&1). Set PYTHON to a newer one." >&2
    exit 1
fi

wanted=$(cat setup.cfg pyproject.toml tools/constraints.txt tools/setup_env.sh; echo "$torch_spec")
stamp=$venv/.installed
if [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$(cksum <<<"$wanted")" ]; then
    missing=$(comm -23 <(tr ',' '\n' <<<"$extras" | sort -u) <(tail -n +2 "$stamp" | sort -u))
    [ -n "$missing" ] || exit 0
    extras=$( (tail -n +2 "$stamp"; tr ',' '\n' <<<"$extras") | sort -u | paste -sd, )
fi

lines=$( { [ ! -f "$stamp" ] || tail -n +2 "$stamp"; tr ',' '\n' <<<"$extras"; } | sort -u | grep -xE 'onedl|openmmlab' || true)
if [ "$(wc -l <<<"$lines")" -gt 1 ]; then
    echo "$venv cannot hold onedl and openmmlab, which overwrite each other: set VENV to a new folder for one of them." >&2
    exit 1
fi

if [ ! -x "$venv/bin/python" ]; then
    site=()
    if "$python" -c 'import torch' 2>/dev/null; then
        site=(--system-site-packages)
        echo "Keeping the torch that $python already has."
    fi
    # Debian ships venv without ensurepip unless python3-venv is installed; virtualenv brings its own pip
    if ! "$python" -m venv "${site[@]}" "$venv" >/dev/null 2>&1; then
        rm -rf "$venv"
        tools=$(mktemp -d)
        "$python" -m pip install -q --target "$tools" virtualenv
        PYTHONPATH=$tools "$python" -m virtualenv -q "${site[@]}" "$venv"
        rm -rf "$tools"
    fi
fi

pip=("$venv/bin/python" -m pip --disable-pip-version-check install -q -c tools/constraints.txt)
echo "Installing mmvidext[$extras] into $venv ..."
"$venv/bin/python" -c 'import torch' 2>/dev/null || "${pip[@]}" "$torch_spec" 'setuptools<81'
own=$extras
# a full mmcv is kept: the mmcv-lite of openmmlab would overwrite it
if [[ ,$extras, == *,openmmlab,* ]] && "$venv/bin/python" -c 'import mmcv._ext' 2>/dev/null; then
    "${pip[@]}" mmengine mmaction2 mmsegmentation ftfy regex 'setuptools<81'
    own=$(tr ',' '\n' <<<"$extras" | grep -vx openmmlab | paste -sd, || true)
fi
"${pip[@]}" -e ".${own:+[$own]}"
# opencv-python needs a desktop's libraries, which a bare server lacks; its headless build is the same without windows
if ! "$venv/bin/python" -c 'import cv2' 2>/dev/null; then
    "${pip[@]}" --force-reinstall --no-deps opencv-python-headless
    "$venv/bin/python" -c 'import cv2'
fi
{ cksum <<<"$wanted"; tr ',' '\n' <<<"$extras"; } >"$stamp"
