#!/usr/bin/env bash
# Install what the tests need into .venv (or VENV), then run them. Arguments go to pytest: bash tools/run_tests.sh tests/ops -k shift
set -euo pipefail
cd "$(dirname "$0")/.."
bash tools/setup_env.sh openmmlab,mmdet,onnx,test
# each worker, and each of the hundreds of processes that tests start, would compile the package and the tests again
unset PYTHONDONTWRITEBYTECODE
# one thread a worker: two workers with two threads each only get in each other's way
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
# one worker more than cores, because many tests wait for processes that they end
workers=$(($(getconf _NPROCESSORS_ONLN) + 1))
exec "${VENV:-.venv}/bin/python" -m pytest -n "${TEST_WORKERS:-$workers}" --dist worksteal "$@"
