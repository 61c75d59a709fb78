#!/usr/bin/env bash
# Train on a Slurm cluster, one task per GPU. A run that is preempted, or reaches its time limit, saves and is submitted
# again, and resumes.
#
#   bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [flags of tools/train.py]
#
# GPUS (default 8), GPUS_PER_NODE (default 8), CPUS_PER_TASK (default 5), SRUN_ARGS: what the job asks for.
# GRACE (default 120): seconds before the time limit at which Slurm tells the run to save (SIGUSR1).
# From an sbatch script with --requeue, the job itself is requeued.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
partition=$1 job=$2 config=$3
shift 3
gpus=${GPUS:-8} per_node=${GPUS_PER_NODE:-8}
per_node=$((gpus < per_node ? gpus : per_node))
resume=()
[ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && resume=(--resume)
while :; do
    status=0
    # shellcheck disable=SC2086  # SRUN_ARGS is a list of words
    srun -p "$partition" --job-name="$job" --gres="gpu:$per_node" --ntasks="$gpus" --ntasks-per-node="$per_node" \
        --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 --signal="USR1@${GRACE:-120}" ${SRUN_ARGS:-} \
        "${PYTHON:-python}" -u "$(dirname "$0")/train.py" "$config" --launcher slurm "$@" \
        ${resume[@]+"${resume[@]}"} || status=$?
    # 75: saved, resume me; 138: SIGUSR1 before the training began
    [ "$status" -eq 75 ] || [ "$status" -eq 138 ] || exit "$status"
    resume=(--resume)
    if [ -n "${SLURM_JOB_ID:-}" ]; then
        scontrol requeue "$SLURM_JOB_ID"
        exit 0
    fi
done
