"""Segment a video with Deep Feature Flow and lay the labels over its frames; key frames have a yellow border.

    python tools/segment_video.py CONFIG CHECKPOINT VIDEO OUT [--key-frame-interval N | --adaptive THRESHOLD]

If the video breaks off in the middle, what was done is kept: OUT is closed and playable, and the message names the
frame.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmengine.utils import ProgressBar

from mmvidext.apis import VideoSegmentor
from mmvidext.models.propagation import AdaptiveInterval, FixedInterval, KeyFramePolicy


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of a DeepFeatureFlow model')
    parser.add_argument('checkpoint', help="its weights, or 'none'")
    parser.add_argument('video')
    parser.add_argument('out', help='.mp4, .avi or .webm')
    parser.add_argument('--device', default='cpu', help='cpu or cuda (default: %(default)s)')
    policy = parser.add_mutually_exclusive_group()
    policy.add_argument('--key-frame-interval', type=int, help="every how many frames (default: the config's)")
    policy.add_argument('--adaptive', type=float, metavar='THRESHOLD', help='residual above which a key frame comes')
    parser.add_argument('--max-interval', type=int, default=30, help='longest interval with --adaptive (%(default)s)')
    return parser.parse_args()


def make_policy(args: argparse.Namespace) -> KeyFramePolicy | None:
    if args.adaptive is not None:
        return AdaptiveInterval(args.adaptive, max_interval=args.max_interval)
    if args.key_frame_interval is not None:
        return FixedInterval(args.key_frame_interval)
    return None


def main() -> None:
    args = parse_args()
    checkpoint = None if args.checkpoint == 'none' else args.checkpoint
    segmentor = VideoSegmentor(args.config, checkpoint, device=args.device, policy=make_policy(args))
    progress = ProgressBar(start=False)

    def show_progress(number: int, announced: int) -> None:
        if number == 1:
            progress.task_num = max(announced, 1)
            progress.start()
        progress.update()

    start = time.perf_counter()
    try:
        report = segmentor.segment_video(args.video, args.out, on_frame=show_progress)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'\n{error}')
    seconds = time.perf_counter() - start
    print(
        f'\n{report.num_frames} frames, {report.num_key_frames} of them key frames, in {seconds:.1f} s '
        f'({report.num_frames / seconds:.2f} fps): {args.out}'
    )


if __name__ == '__main__':
    main()
