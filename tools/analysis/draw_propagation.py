"""Draw what Deep Feature Flow does with one labeled frame: key frame, frame, flow, propagated labels, true labels.

python tools/analysis/draw_propagation.py CONFIG CHECKPOINT OUT.png [--index N] [--distance D]
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvidext.apis.weights import load_for_inference
from mmvidext.datasets.media.images import write_picture
from mmvidext.models.segmentors import DeepFeatureFlow
from mmvidext.models.segmentors.label_map import label_map
from mmvidext.ops import flow_to_image
from mmvidext.registry import DATASETS, MODELS

IGNORED = (0, 0, 0)


def draw(model: DeepFeatureFlow, sample: dict, palette: np.ndarray) -> list[np.ndarray]:
    """Return the five pictures, RGB, each of the size of the frame."""
    size = tuple(sample['inputs'].shape[-2:])
    key_picture, picture = (frame.numpy().transpose(1, 2, 0)[..., ::-1] for frame in sample['inputs'])
    data = model.data_preprocessor({'inputs': [sample['inputs']], 'data_samples': [sample['data_samples']]})
    key, current = data['inputs'][0, :, None]
    with torch.inference_mode():
        key_frame = model.encode_key_frame(key)
        motion = model.estimate_motion(current, key_frame)
        logits = model.propagate(key_frame, motion)
        labels = label_map(model, logits, {'img_shape': size})[0].numpy()
    flow = flow_to_image(motion.flow)[0].numpy().transpose(1, 2, 0)
    truth = sample['data_samples'].gt_sem_seg.data.squeeze(0).numpy()
    colors = np.vstack([palette, np.tile(IGNORED, (256 - len(palette), 1))]).astype(np.uint8)
    enlarged = cv2.resize(flow, size[::-1], interpolation=cv2.INTER_NEAREST)
    return [key_picture, picture, enlarged, colors[labels], colors[truth]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('out', type=Path)
    parser.add_argument('--index', type=int, nargs='+', default=[0], help='labeled frames of the test set')
    parser.add_argument('--distance', type=int, default=5, help='frames between key frame and frame (%(default)s)')
    args = parser.parse_args()
    config = Config.fromfile(args.config)
    init_default_scope(config.default_scope)
    config.test_dataloader.dataset.distances = [args.distance]
    dataset = DATASETS.build(config.test_dataloader.dataset)
    model = MODELS.build(config.model)
    load_for_inference(model, args.checkpoint)
    palette = np.array(dataset.metainfo['palette'])
    rows = [np.hstack(draw(model.eval(), dataset[index], palette)) for index in args.index]
    write_picture(args.out, np.vstack(rows))
    print(f'{args.out}: key frame, frame {args.distance} later, flow, propagated labels, true labels')


if __name__ == '__main__':
    main()
