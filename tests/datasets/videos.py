"""Small video files for tests, good and bad."""

from fractions import Fraction

import av
import numpy as np

from mmvidext.datasets.synthetic.video_file import write_webm


def frame_picture(frame, *, size=(32, 24), seed=0):
    """Blurred noise that brightens from frame to frame."""
    width, height = size
    coarse = np.random.default_rng(seed).integers(0, 100, (height // 4, width // 4, 3))
    return np.clip(coarse.repeat(4, axis=0).repeat(4, axis=1) + 10 * frame, 0, 255).astype(np.uint8)


def write_video(path, *, num_frames=8, size=(32, 24), seed=0):
    """Write a WebM file of :func:`frame_picture`."""
    frames = (frame_picture(frame, size=size, seed=seed) for frame in range(num_frames))
    write_webm(path, frames, size=size, fps=12)


def write_with_av(
    path,
    *,
    num_frames=20,
    codec='mpeg4',
    rate=12,
    skip=(),
    sound_seconds=0.0,
    options=None,
    size=(32, 24),
    first=0,
    picture=frame_picture,
):
    """Write a video in any container, from picture `first` on.

    `skip` are the frame times that a recorder left out (variable frame rate).
    """
    with av.open(str(path), 'w') as container:
        video = container.add_stream(codec, rate=rate, options=options or {})
        video.width, video.height, video.pix_fmt = *size, 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        times = [time for time in range(num_frames + len(skip)) if time not in skip]
        sound = container.add_stream('aac', rate=8000, layout='mono') if sound_seconds else None
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(first + number, size=size), 'rgb24')
            frame.pts, frame.time_base = time, Fraction(1, rate)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound_seconds:
            _add_silence(container, sound, sound_seconds)
    return path


def _add_silence(container, sound, seconds):
    for start in range(0, int(8000 * seconds), 1024):
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), 's16', 'mono')
        samples.sample_rate, samples.pts, samples.time_base = 8000, start, Fraction(1, 8000)
        container.mux(sound.encode(samples))
    container.mux(sound.encode())


def write_bad_videos(folder, good):
    """Write one file of each kind of damage; returns ``{name: what the message says}``."""
    content = good.read_bytes()
    (folder / 'empty.webm').write_bytes(b'')
    (folder / 'truncated.webm').write_bytes(content[: len(content) * 2 // 3])
    (folder / 'text.webm').write_bytes(b'this is not a video' * 20)
    return {
        'missing.webm': 'does not exist',
        'empty.webm': 'is empty',
        'truncated.webm': 'is truncated',
        'text.webm': 'cannot be decoded',
    }
