"""Writes small data sets in the official layouts, for the tests."""

import cv2
import numpy as np

from mmvidext.datasets.flow_io import write_flo


def random_image(generator, height=16, width=24):
    return generator.integers(0, 256, (height, width, 3), np.uint8)


def write_chairs(root, codes=(1, 2, 1), height=16, width=24):
    """Write FlyingChairs; returns the images and flows by stem."""
    generator = np.random.default_rng(0)
    data = root / 'data'
    data.mkdir(parents=True)
    pairs = {}
    for index in range(1, len(codes) + 1):
        images = [random_image(generator, height, width) for _ in range(2)]
        flow = generator.normal(size=(height, width, 2)).astype(np.float32)
        for number, image in enumerate(images, start=1):
            cv2.imwrite(str(data / f'{index:05d}_img{number}.ppm'), image[..., ::-1])
        write_flo(data / f'{index:05d}_flow.flo', flow)
        pairs[f'{index:05d}'] = (*images, flow)
    (root / 'FlyingChairs_train_val.txt').write_text(''.join(f'{code}\n' for code in codes))
    return pairs


def write_sintel(root, scenes=('alley_1', 'market_2'), frames=3, invalid=True, occlusions=False):
    """Write Sintel's training folder."""
    generator = np.random.default_rng(0)
    for scene in scenes:
        for folder in ('clean', 'final', 'flow', 'invalid', *['occlusions'] * occlusions):
            (root / 'training' / folder / scene).mkdir(parents=True)
        for number in range(1, frames + 1):
            for name in ('clean', 'final'):
                path = root / 'training' / name / scene / f'frame_{number:04d}.png'
                cv2.imwrite(str(path), random_image(generator))
            if number < frames:
                flow = generator.normal(size=(16, 24, 2)).astype(np.float32)
                write_flo(root / 'training' / 'flow' / scene / f'frame_{number:04d}.flo', flow)
            if invalid:
                mask = np.zeros((16, 24), np.uint8)
                mask[0] = 255
                cv2.imwrite(str(root / 'training' / 'invalid' / scene / f'frame_{number:04d}.png'), mask)
            if occlusions:
                mask = np.zeros((16, 24), np.uint8)
                mask[:, 0] = 255
                cv2.imwrite(str(root / 'training' / 'occlusions' / scene / f'frame_{number:04d}.png'), mask)


def write_pfm(path, flow, scale=-1.0):
    """Write flow as FlyingThings3D does: three channels, the rows from bottom to top."""
    height, width = flow.shape[:2]
    image = np.concatenate((flow, np.zeros((height, width, 1), np.float32)), -1)[::-1]
    header = f'PF\n{width} {height}\n{scale}\n'.encode()
    path.write_bytes(header + image.astype('<f4' if scale < 0 else '>f4').tobytes())
