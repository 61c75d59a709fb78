#!/usr/bin/env bash
# Train the model that is shipped as camera-motion, from photographs of packages to mmvidext/shipped: docs/camera_motion.md
#
#   bash tools/experiments/camera_motion.sh [WORK_DIR]
#   SHORT=1 bash tools/experiments/camera_motion.sh [WORK_DIR]
#
# Needs Debian 12 or newer (apt-get download), and what tools/setup_env.sh installs. An hour on one core. What is there
# already is kept, so an interrupted run goes on. PYTHON is the Python to use, .venv/bin/python by default. SHORT=1 tries
# every step in two minutes, on few clips and an epoch each; its weights stay in WORK_DIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-.venv/bin/python}
if [ -n "${SHORT:-}" ]; then
    out=$(realpath -m "${1:-work_dirs/camera_motion_short}")
    turns=(--train 32 --val 8) clips=(--train 48 --val 14) epochs=(1 1 1)
    weights=$out/camera_motion.safetensors
else
    out=$(realpath -m "${1:-work_dirs/camera_motion}")
    turns=(--train 1600 --val 80) clips=(--train 3500 --val 420) epochs=(4 3 2)
    weights=mmvidext/shipped/camera_motion.safetensors
fi
photographs=$out/photographs
mkdir -p "$photographs" "$out/packages"

if [ ! -f "$out/packages/done" ]; then
    (cd "$out/packages" && apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04)
    for package in "$out"/packages/*.deb; do dpkg -x "$package" "$out/packages/unpacked"; done
    "$python" -m pip download -q --no-deps --only-binary=:all: -d "$out/packages" scikit-image==0.26.0 scikit-learn==1.9.1
    for package in "$out"/packages/*.whl; do "$python" -m zipfile -e "$package" "$out/packages/unpacked"; done
    cp "$out"/packages/unpacked/usr/share/backgrounds/*.jpg "$out"/packages/unpacked/sklearn/datasets/images/*.jpg "$photographs"
    (cd "$out/packages/unpacked/skimage/data" && cp astronaut.png brick.png camera.png chelsea.png coffee.png coins.png \
        grass.png gravel.png rocket.jpg hubble_deep_field.jpg "$photographs")
    touch "$out/packages/done"
fi

# first easy clips, on which a network from scratch learns to see motion, then those that look like filmed ones
frames=(--size 96x72 --frames 24)
"$python" -m mmvidext data make-synthetic sthv2 "$out/turns" --camera "${turns[@]}" "${frames[@]}"
"$python" -m mmvidext data make-synthetic sthv2 "$out/clips" --textures "$photographs" "${clips[@]}" "${frames[@]}"
for data in turns clips; do "$python" -m mmvidext data prepare-sthv2 "$out/$data"; done

config=configs/tsm_causal_r18_camera_motion.py
"$python" -m mmvidext train configs/demo/tsm_causal_r18_3stage_camera_demo.py --work-dir "$out/start" --resume \
    --cfg-options "data_root=$out/turns" "param_scheduler.0.total_steps=${epochs[0]}" "train_cfg.max_epochs=${epochs[0]}"
# three epochs at a high rate, then two in which it falls
"$python" -m mmvidext train "$config" --weights "$out/start/epoch_${epochs[0]}.pth" --resume \
    --work-dir "$out/high_rate" --cfg-options "data_root=$out/clips" "train_cfg.max_epochs=${epochs[1]}"
"$python" -m mmvidext train "$config" --weights "$out/high_rate/epoch_${epochs[1]}.pth" --resume \
    --work-dir "$out/falling_rate" --cfg-options "data_root=$out/clips" "max_epochs=${epochs[2]}" learning_rate=5e-4
"$python" tools/experiments/ship_model.py "$out/falling_rate/epoch_${epochs[2]}.pth" "$weights"
"$python" -m mmvidext test "$config" "$weights" --cfg-options "data_root=$out/clips"
