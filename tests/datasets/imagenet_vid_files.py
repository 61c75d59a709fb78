"""A tiny data set in the layout of ImageNet DET and VID."""

import cv2
import numpy as np

SIZE = (40, 64)  # height, width


def write_annotation(path, objects, size=SIZE):
    """Write the XML of a frame; an object is ``(wordnet_id, track, (xmin, ymin, xmax, ymax))``."""
    text = [f'<annotation><size><width>{size[1]}</width><height>{size[0]}</height></size>']
    for name, track, (left, top, right, bottom) in objects:
        trackid = '' if track is None else f'<trackid>{track}</trackid>'
        text.append(
            f'<object>{trackid}<name>{name}</name><bndbox><xmax>{right}</xmax><xmin>{left}</xmin><ymax>{bottom}</ymax>'
            f'<ymin>{top}</ymin></bndbox></object>'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(text) + '</annotation>')


def write_frame(root, part, stem, objects, value=0):
    picture = root / 'Data' / part / f'{stem}.JPEG'
    picture.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(picture), np.full((*SIZE, 3), value, np.uint8))
    write_annotation(root / 'Annotations' / part / f'{stem}.xml', objects)
    return picture


def write_imagenet_vid(root, lengths=(12, 7)):
    """Write videos ``a``, ``b`` ... with a car that moves right and a dog that stays, an image, and the lists.

    The pixels of frame ``t`` are ``10 t``, so that it shows which frame was loaded.
    """
    train, val, number = [], [], 1
    for video, length in zip('abcdef', lengths, strict=False):
        for frame in range(length):
            objects = [('n02958343', 0, (frame, 4, frame + 20, 30)), ('n02084071', 1, (40, 2, 60, 20))]
            write_frame(root, 'VID', f'{video}/{frame:06d}', objects, 10 * frame)
            train.append(f'{video} 1 {frame} {length}')
        val.append(f'{video} {number} 0 {length}')
        number += length
    write_frame(root, 'DET', 'x/1', [('n02958343', None, (3, 3, 30, 30)), ('n00007846', None, (0, 0, 9, 9))], 200)
    lists = root / 'ImageSets'
    lists.mkdir(exist_ok=True)
    (lists / 'VID_train_15frames.txt').write_text('\n'.join(train) + '\n')
    (lists / 'VID_val_videos.txt').write_text('\n'.join(val) + '\n')
    (lists / 'DET_train_30classes.txt').write_text('x/1 1\n')
