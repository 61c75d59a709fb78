#!/usr/bin/env bash
# Test on a Slurm cluster, one task per GPU.
#
#   bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [flags of tools/test.py]
#
# GPUS (default 8), GPUS_PER_NODE (default 8), CPUS_PER_TASK (default 5), SRUN_ARGS: what the job requests.
set -euo pipefail
if [ $# -lt 4 ]; then
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
partition=$1 job=$2 config=$3 checkpoint=$4
shift 4
gpus=${GPUS:-8} per_node=${GPUS_PER_NODE:-8}
per_node=$((gpus < per_node ? gpus : per_node))
# shellcheck disable=SC2086  # SRUN_ARGS is a list of words
exec srun -p "$partition" --job-name="$job" --gres="gpu:$per_node" --ntasks="$gpus" --ntasks-per-node="$per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher slurm "$@"
