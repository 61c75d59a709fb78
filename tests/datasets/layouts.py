"""Write tiny data sets in the layouts of the real ones."""

import json

import cv2
import numpy as np

CITY = 'ulm'


def texture(number, size=(16, 8)):
    """The picture of frame `number`; `size` is (width, height)."""
    return np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def write_image(path, number=0, *, size=(16, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), texture(number, size))


def write_label(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.asarray(labels, np.uint8))


def write_cityscapes(root, *, frames=range(30), labeled=19, labels=None, sequence='000000', size=(16, 8)):
    """One snippet; returns the folder of its images."""
    folder = root / 'leftImg8bit_sequence' / 'val' / CITY
    for number in frames:
        write_image(folder / f'{CITY}_{sequence}_{number:06d}_leftImg8bit.png', number, size=size)
    labels = np.random.default_rng(0).integers(0, 19, size[::-1]) if labels is None else labels
    stem = f'{CITY}_{sequence}_{labeled:06d}'
    write_label(root / 'gtFine' / 'val' / CITY / f'{stem}_gtFine_labelTrainIds.png', labels)
    return folder


def write_vspw(root, videos=(('a', 6), ('b', 3)), names=None):
    (root / 'label_num_dic_final.json').write_text(json.dumps({'others': 0, 'wall': 1, 'sky': 2}))
    (root / 'val.txt').write_text(''.join(f'{name}\n' for name, _ in videos))
    for name, length in videos:
        for index in range(length):
            stem = names[index] if names else f'{index:08d}'
            write_image(root / 'data' / name / 'origin' / f'{stem}.jpg', index)
            write_label(root / 'data' / name / 'mask' / f'{stem}.png', np.arange(128).reshape(8, 16) % 3)


def write_video_folders(root, videos=(('a', 12), ('b', 3)), values=(0, 7, 26)):
    """Frames ``1.jpg, 2.jpg, ...``, with a label that holds `values` for every second one."""
    for name, length in videos:
        for number in range(1, length + 1):
            write_image(root / 'frames' / name / f'{number}.jpg', number)
            if number % 2:
                labels = np.asarray(values)[np.arange(128).reshape(8, 16) % len(values)]
                write_label(root / 'labels' / name / f'{number}.png', labels)


def write_camvid(root, numbers=range(5280, 5341), labeled=(5310, 5340)):
    for number in numbers:
        write_image(root / 'frames' / '0016E5' / f'0016E5_{number:05d}.png', number)
    for number in labeled:
        write_label(root / 'labels' / 'val' / f'0016E5_{number:05d}.png', np.arange(128).reshape(8, 16) % 11)
