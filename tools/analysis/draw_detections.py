"""Draw what Deep Feature Flow finds: key frame with its boxes, a later frame with those that are propagated, the truth.

python tools/analysis/draw_detections.py CONFIG CHECKPOINT OUT.png [--index N] [--distance D] [--score 0.15]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmvidext.apis.weights import load_for_inference
from mmvidext.datasets.media.images import write_picture
from mmvidext.drawing.pictures import draw_boxes
from mmvidext.registry import DATASETS, MODELS

COLORS = np.array([[230, 60, 60], [60, 160, 230], [250, 200, 40], [90, 200, 90], [200, 100, 220], [250, 140, 40]])
ENLARGED = 3


def picture(frame: np.ndarray, found: InstanceData, classes: list[str], *, score: float) -> np.ndarray:
    """Return a frame, BGR ``(3, H, W)``, enlarged, RGB, with the boxes from a score on."""
    large = cv2.resize(frame.transpose(1, 2, 0)[..., ::-1], None, fx=ENLARGED, fy=ENLARGED)
    if 'scores' in found:
        found = found[found.scores >= score]
    labels = found.labels.numpy()
    boxes = ENLARGED * getattr(found.bboxes, 'tensor', found.bboxes).numpy()
    colors = COLORS[labels % len(COLORS)].astype(np.uint8)
    return draw_boxes(np.ascontiguousarray(large), boxes, [classes[label] for label in labels], colors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('out', type=Path)
    parser.add_argument('--index', type=int, nargs='+', default=[0], help='frames of the test set')
    parser.add_argument('--distance', type=int, default=5, help='frames between key frame and frame (%(default)s)')
    parser.add_argument('--score', type=float, default=0.15, help='least score (%(default)s)')
    args = parser.parse_args()
    config = Config.fromfile(args.config)
    init_default_scope(config.default_scope)
    config.test_dataloader.dataset.distances = [args.distance]
    dataset = DATASETS.build(config.test_dataloader.dataset)
    model = MODELS.build(config.model)
    load_for_inference(model, args.checkpoint)
    model.eval()
    classes = list(dataset.metainfo['classes'])
    rows = []
    for index in args.index:
        sample = dataset[index]
        key, current = sample['inputs']
        truth = sample['data_samples'].gt_instances
        with torch.no_grad():
            (propagated,) = model.test_step(pseudo_collate([sample]))
            (of_key,) = model.test_step(pseudo_collate([{**sample, 'inputs': key}]))
        columns = [(key, of_key.pred_instances), (current, propagated.pred_instances), (current, truth)]
        rows.append(np.hstack([picture(frame.numpy(), found, classes, score=args.score) for frame, found in columns]))
    write_picture(args.out, np.vstack(rows))
    print(f'{args.out}: key frame, frame {args.distance} later with the boxes found, and with the true ones')


if __name__ == '__main__':
    main()
