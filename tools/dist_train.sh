#!/usr/bin/env bash
# Train with one process per GPU, on one machine or several.
#
#   bash tools/dist_train.sh CONFIG GPUS [flags of tools/train.py]
#
# On several machines start it on each, with NNODES, NODE_RANK, MASTER_ADDR and MASTER_PORT set. Without GPUs the processes
# run on the CPU.
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
config=$1 gpus=$2
shift 2
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$gpus" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${MASTER_PORT:-29500}" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
