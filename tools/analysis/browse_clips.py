"""Draw what a training of segmentation sees: each clip after its augmentations, key frame first, and the label.

mmseg's own ``browse_dataset`` takes images, and a sample for Deep Feature Flow is a clip.

python tools/analysis/browse_clips.py CONFIG FOLDER [--number 20] [--split train|val|test]
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from numpy.typing import NDArray

import mmvidext  # noqa: F401 - cures the stack before mmseg is used
from mmvidext.apis.video_segmentor import draw_overlay
from mmvidext.datasets.media.images import write_picture

IGNORED = 255


def draw_sample(sample: dict[str, Any], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the frames of a sample side by side, and behind them the last one under its label, if it has one.

    Args:
        sample: As a pipeline gives it: ``inputs``, BGR ``uint8 (T, 3, H, W)`` or ``(3, H, W)``, and ``data_samples``.
        palette: RGB of each class, ``uint8 (K, 3)``. Pixels that are ignored stay as they are.

    Returns:
        RGB ``uint8 (H, (T + 1) * W, 3)``.
    """
    inputs = sample['inputs']
    clip = inputs if inputs.ndim == 4 else inputs.unsqueeze(0)
    frames = [np.ascontiguousarray(frame.permute(1, 2, 0).numpy()[..., ::-1]) for frame in clip]
    truth = sample['data_samples'].get('gt_sem_seg')
    if truth is not None:
        labels = truth.data[0].numpy()
        known = labels != IGNORED
        colored = draw_overlay(frames[-1], palette[np.where(known, labels, 0)])
        frames.append(np.where(known[..., None], colored, frames[-1]))
    return np.concatenate(frames, axis=1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('folder', type=Path, help='for the pictures')
    parser.add_argument('--number', type=int, default=20, help='of samples (default: %(default)s)')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train')
    args = parser.parse_args(arguments)
    config = Config.fromfile(args.config)
    init_default_scope(config.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(config[f'{args.split}_dataloader'].dataset)
    palette = np.array(dataset.metainfo['palette'], np.uint8)
    number = min(args.number, len(dataset))
    for index in range(number):
        write_picture(args.folder / f'{index:06d}.png', draw_sample(dataset[index], palette))
    print(f'{number} of {len(dataset)} samples of {args.split} are in {args.folder}')


if __name__ == '__main__':
    main()
