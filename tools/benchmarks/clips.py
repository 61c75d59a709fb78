"""Videos to decode: given ones or generated ones, and copies of them with more key frames."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from mmvidext.datasets.media.reencode import Encoding, reencode_video
from mmvidext.datasets.synthetic.random_scene import SceneOptions, random_scene

GENERATED = 2
AS_THEY_ARE = 'as they are'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--videos',
        nargs='+',
        help=f'video files (default: {GENERATED} generated ones, 300 frames of 352x256 in H.264)',
    )
    parser.add_argument(
        '--key-frame-intervals',
        type=int,
        nargs='*',
        default=[12, 6, 1],
        help='of copies that "mmvidext data reencode" makes, to compare with (default: 12 6 1)',
    )


def write_h264(path: Path, *, num_frames: int = 300, size: tuple[int, int] = (352, 256), seed: int = 0) -> None:
    """Write a video as an encoder does by default, with 250 frames from one key frame to the next."""
    options = SceneOptions(size=size, num_frames=num_frames, max_displacement=3)
    scene = random_scene(np.random.default_rng(seed), options)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, 'yuv420p'
        for number in range(num_frames):
            frame = av.VideoFrame.from_ndarray(scene.view(number).image, format='rgb24')
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@contextmanager
def sources(args: argparse.Namespace) -> Iterator[dict[str, list[str]]]:
    """Yield the videos and their copies, by the way they are encoded; the copies are there until the block ends."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        videos = args.videos
        if not videos:
            videos = [str(folder / f'{number}.mp4') for number in range(GENERATED)]
            for number, path in enumerate(videos):
                write_h264(Path(path), seed=number)
        found = {AS_THEY_ARE: videos}
        size = total(videos)
        print(f'{len(videos)} videos, {size / 2**20:.2f} MiB')
        for interval in args.key_frame_intervals:
            key, encoding = f'key frame every {interval}', Encoding(interval)
            found[key] = [str(folder / key / f'{number}.mp4') for number in range(len(videos))]
            lowest = min(
                reencode_video(path, Path(copy), encoding).psnr for path, copy in zip(videos, found[key], strict=True)
            )
            print(f'{key}: {total(found[key]) / size:.2f}x the size, {lowest:.1f} dB or more in each frame')
        yield found


def total(paths: list[str]) -> int:
    """Return the bytes of files."""
    return sum(Path(path).stat().st_size for path in paths)
