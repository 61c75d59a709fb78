"""Train and compare ways of propagation for detection on generated videos, from scratch, with one command.

    python tools/analysis/detection_table.py [--seeds 0] [--iterations 400] [--work-dirs work_dirs/detection]

It generates FlyingChairs-format pairs and ImageNet-VID-format videos and trains the flow network. Then, for each seed,
it trains the frame-by-frame detector, and from it each way for equally many iterations (configs/demo/): frame by frame,
Deep Feature Flow, the same with a flow network that is not trained on, and the boxes of the key frame copied. Each is
evaluated at the distances 0, 1, 5 and 9 from its key frame. What is there already is not made again.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.analysis.propagation_table import Task, run

DETECTION = Task(
    data={
        'data/synthetic_far_pairs': 'flying-chairs --train 1600 --size 160x112 --max-displacement 20',
        'data/synthetic_vid': 'imagenet-vid --train 160 --max-displacement 8 --objects 4',
    },
    flow_data='data/synthetic_far_pairs',
    flow_iterations=600,
    inner='detector',
    metric=('vid/mAP', 'AP'),
    frames='fcos_r18_vid_demo',
    copy='dff_fcos_r18_vid_copy_demo',
    ways={
        'Deep Feature Flow': 'dff_fcos_r18_vid_demo',
        'Deep Feature Flow, flow network fixed': 'dff_fcos_r18_vid_fixed_flow_demo',
    },
)


def main() -> None:
    run(DETECTION, __doc__ or '', iterations=400, seeds=[0], work_dirs='work_dirs/detection')


if __name__ == '__main__':
    main()
