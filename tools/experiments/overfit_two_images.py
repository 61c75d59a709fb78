"""Let mmdet's Faster R-CNN R50-FPN learn two small images by heart, with the ops of this package.

    python tools/experiments/overfit_two_images.py

mmdet's own train script trains the config overfit_faster_rcnn.py, 500 iterations from random weights. Then it prints
how far each true box is overlapped by the best box of its class, and how sure the model is of it. The losses are in
the log of the training. It takes about 6 minutes of one CPU core.
"""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import mmdet
import numpy as np
import torch

import mmvidext  # noqa: F401 - before mmdet's models: it serves their ops
from mmvidext.ops import bbox_overlaps

CONFIG = Path(__file__).with_name('overfit_faster_rcnn.py')
WORK_DIR = Path('work_dirs/overfit_two_images')  # as the config has it
SIZE = (160, 128)  # width, height
COLORS = {'red': (40, 60, 220), 'blue': (220, 120, 30)}
BOXES = (  # of the red and of the blue object in each image: left, top, right, bottom
    ((20, 16, 70, 80), (96, 40, 144, 100)),
    ((30, 50, 90, 110), (104, 10, 150, 54)),
)


def write_images(folder: Path) -> None:
    """Write two images of two filled boxes each on noise, and their annotations in COCO's format."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number, boxes in enumerate(BOXES):
        picture = rng.integers(90, 130, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        images.append(dict(id=number, file_name=f'{number}.png', width=SIZE[0], height=SIZE[1]))
        for category, ((left, top, right, bottom), color) in enumerate(zip(boxes, COLORS.values(), strict=True)):
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), color, -1)
            width, height = right - left, bottom - top
            box = dict(category_id=category, bbox=[left, top, width, height], area=width * height, iscrowd=0)
            annotations.append(dict(id=len(annotations), image_id=number, **box))
        cv2.imwrite(str(folder / f'{number}.png'), picture)
    categories = [dict(id=category, name=name) for category, name in enumerate(COLORS)]
    (folder / 'two.json').write_text(json.dumps(dict(images=images, annotations=annotations, categories=categories)))


def check_boxes(checkpoint: Path) -> None:
    """Print the overlap and the score of the best box of each object."""
    from mmdet.apis import inference_detector, init_detector

    model = init_detector(str(CONFIG), str(checkpoint), device='cpu')
    for number, boxes in enumerate(BOXES):
        found = inference_detector(model, str(WORK_DIR / f'{number}.png')).pred_instances
        for category, (name, box) in enumerate(zip(COLORS, boxes, strict=True)):
            mine = found[found.labels == category]
            overlaps = bbox_overlaps(torch.tensor([box], dtype=torch.float32), mine.bboxes)[0]
            best = int(overlaps.argmax())
            print(f'image {number}, {name}: IoU {overlaps[best]:.3f}, score {mine.scores[best]:.3f}')
        print(f'image {number}: {int((found.scores > 0.5).sum())} boxes with a score above 0.5')


def main() -> None:
    write_images(WORK_DIR)
    train = Path(mmdet.__file__).parent / '.mim/tools/train.py'
    subprocess.run([sys.executable, str(train), str(CONFIG), '--work-dir', str(WORK_DIR)], check=True)
    check_boxes(WORK_DIR / 'iter_500.pth')


if __name__ == '__main__':
    main()
