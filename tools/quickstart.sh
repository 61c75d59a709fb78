#!/usr/bin/env bash
# From a bare machine to motion recognition: install, name the motion in a clip with the model that is shipped, then
# generate clips, train the 2D baseline and MS-TSM, and evaluate both.
#
#   bash tools/quickstart.sh
#
# What is there already is kept, so a second run is quick, and an interrupted one resumes. Results: work_dirs/quickstart.
set -euo pipefail
cd "$(dirname "$0")/.."

bash tools/setup_env.sh openmmlab
python=${VENV:-.venv}/bin/python
data=data/quickstart
out=work_dirs/quickstart
mkdir -p "$out"

step() { printf '\n== %s\n' "$1"; }

step 'A first prediction: the model that is shipped names the motion of the camera'
first=$out/first
if [ ! -f "$first.png" ]; then
    # seven clips over a photograph that matplotlib brings, on which the model was not trained
    photographs=$("$python" -c 'import matplotlib; print(matplotlib.get_data_path())')/sample_data
    "$python" -m mmvidext data make-synthetic sthv2 "${data}_first" --textures "$photographs" --train 0 --val 7 \
        --size 320x240 --frames 24 >"$first.log" 2>&1
    rm -rf "$first" # what an interrupted run has drawn
    "$python" -m mmvidext predict camera-motion "${data}_first/videos/7.webm" --out "$first" --top 3 \
        >"$first.txt" 2>>"$first.log" || { tail -n 20 "$first.log" >&2; exit 1; }
    mv "$(ls "$first"/*.png | tail -n 1)" "$first.png"
fi
echo 'The clip was made with: moving the camera away from an arrow. The model says:'
grep '%' "$first.txt"
echo "Picture: $first.png. On your own video: ${python%python}mmvidext predict camera-motion my.mp4 --out shown.mp4"

step 'Generate 400 training and 120 validation clips, in the format of Something-Something V2'
"$python" tools/data/make_synthetic.py sthv2 "$data" --train 400 --val 120 --size 96x72 --travel-only
"$python" tools/data/prepare_sthv2.py "$data" >"$out/prepare.log"

for model in tsn ms_tsm; do
    config=configs/demo/${model}_r18_demo.py
    work_dir=$out/$model
    [ ! -f "$work_dir/metrics.json" ] || [ ! -f "$work_dir/confusion_matrix.png" ] || continue
    step "Train: tools/train.py $config (log: $work_dir.log)"
    # a damaged checkpoint is passed over, and nothing is left to do where the last one is whole
    "$python" tools/train.py "$config" --work-dir "$work_dir" --resume >"$work_dir.log" 2>&1 \
        || { tail -n 20 "$work_dir.log" >&2; exit 1; }
    grep -ao 'Epoch(val) .*top1: [0-9.]*' "$work_dir.log" | sed 's/\[[0-9]*\/[0-9]*\] */ /' || true
    step "Evaluate: tools/test.py $config $work_dir/epoch_12.pth"
    "$python" tools/test.py "$config" "$work_dir/epoch_12.pth" --work-dir "$work_dir/test" --per-class \
        --class-names "$data/class_names.txt" --confusion-matrix "$work_dir/confusion_matrix.png" \
        --metrics "$work_dir/metrics.json" >"$work_dir.test.log" 2>&1 \
        || { tail -n 20 "$work_dir.test.log" >&2; exit 1; }
done

step 'Draw'
"$python" tools/analysis/plot_training.py "$out/training.png" "2D baseline=$out/tsn" "MS-TSM=$out/ms_tsm"
[ -f "$out/motion.png" ] || "$python" tools/analysis/show_motion.py configs/demo/ms_tsm_r18_demo.py \
    "$out/ms_tsm/epoch_12.pth" "$data/videos/401.webm" "$out/motion.png" 2>>"$out/ms_tsm.test.log"

"$python" - "$out" <<'PY'
import json
import sys

out = sys.argv[1]
top1 = {model: json.load(open(f'{out}/{model}/metrics.json'))['acc/top1'] for model in ('tsn', 'ms_tsm')}
print(f'''
Top-1 accuracy on 120 held-out clips of 4 motions (chance: 25.0 %)
    2D baseline (TSN-R18)  {top1['tsn']:6.1%}
    MS-TSM-R18             {top1['ms_tsm']:6.1%}

Pictures: {out}/first.png, {out}/training.png, {out}/motion.png, {out}/ms_tsm/confusion_matrix.png''')
PY
