"""Small video files for tests, good and bad."""

import numpy as np

from mmvidext.datasets.synthetic.video_file import write_webm


def write_video(path, *, num_frames=8, size=(32, 24), seed=0):
    """Write a video of blurred noise that brightens from frame to frame."""
    width, height = size
    coarse = np.random.default_rng(seed).integers(0, 100, (height // 4, width // 4, 3))
    picture = coarse.repeat(4, axis=0).repeat(4, axis=1)
    frames = (np.clip(picture + 10 * frame, 0, 255).astype(np.uint8) for frame in range(num_frames))
    write_webm(path, frames, size=size, fps=12)


def write_bad_videos(folder, good):
    """Write one file of each kind of damage; returns ``{name: what the message says}``."""
    content = good.read_bytes()
    (folder / 'empty.webm').write_bytes(b'')
    (folder / 'truncated.webm').write_bytes(content[: len(content) * 2 // 3])
    (folder / 'text.webm').write_bytes(b'this is no video' * 20)
    return {
        'missing.webm': 'does not exist',
        'empty.webm': 'is empty',
        'truncated.webm': 'is truncated',
        'text.webm': 'decoded|cannot be read',
    }
