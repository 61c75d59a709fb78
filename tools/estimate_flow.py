"""Estimate the optical flow from one image to another.

    python tools/estimate_flow.py CONFIG CHECKPOINT FIRST.png SECOND.png --out flow.flo --picture flow.png

The suffix of --out says the format: .flo (Middlebury) or .png (KITTI, 16 bits). With --truth the error is printed, and
the picture shows the first image, the true flow and the estimate side by side, in the same colours.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmvidext.apis import FlowInferencer
from mmvidext.datasets.flow_io import read_flow, write_flo, write_kitti_flow
from mmvidext.datasets.media.images import read_rgb
from mmvidext.ops import flow_color_wheel

WRITERS = {'.flo': write_flo, '.png': write_kitti_flow}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of a FlowEstimator')
    parser.add_argument('checkpoint', help='its weights: ours, or official ones')
    parser.add_argument('first', help='image whose pixels are followed')
    parser.add_argument('second', help='image they are followed to')
    parser.add_argument('--out', type=Path, help='flow file to write, .flo or .png')
    parser.add_argument('--picture', type=Path, help='picture of the flow to write')
    parser.add_argument('--truth', type=Path, help='file of the true flow to compare with, .flo or .png')
    parser.add_argument('--legend', type=Path, help='colour wheel to write')
    parser.add_argument('--max-magnitude', type=float, help='pixels at full saturation (default: the longest vector)')
    parser.add_argument('--device', default='cpu', help='cpu or cuda (default: %(default)s)')
    return parser


def draw(
    first: NDArray[np.uint8],
    flow: NDArray[np.float32],
    truth: tuple[NDArray[np.float32], NDArray[np.bool_]] | None,
    max_magnitude: float | None,
) -> NDArray[np.uint8]:
    """Colour the flow; where the truth is known, put the first image and the truth before it."""
    if truth is None:
        return FlowInferencer.draw(flow, max_magnitude)
    true_flow, valid = truth
    scale = max_magnitude or float(np.linalg.norm(true_flow, axis=2).max()) or None
    marked = np.where(valid[..., None], true_flow, np.float32(np.nan))
    return np.hstack((first, FlowInferencer.draw(marked, scale), FlowInferencer.draw(flow, scale)))


def main() -> None:
    parser = build_parser()
    args = parser.parse_args()
    if args.out is not None and args.out.suffix not in WRITERS:
        parser.error(f'--out must end in .flo or .png, not in {args.out.suffix!r}')
    try:
        inferencer = FlowInferencer(args.config, args.checkpoint, device=args.device)
        first = read_rgb(args.first)
        flow = inferencer(first, read_rgb(args.second))
        truth = None if args.truth is None else read_flow(args.truth)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    if args.out is not None:
        WRITERS[args.out.suffix](args.out, flow)
    if args.picture is not None:
        cv2.imwrite(str(args.picture), draw(first, flow, truth, args.max_magnitude)[..., ::-1])
    if args.legend is not None:
        cv2.imwrite(str(args.legend), flow_color_wheel(201).permute(1, 2, 0).numpy()[..., ::-1])
    if truth is not None:
        true_flow, valid = truth
        error, still = (np.linalg.norm(guess - true_flow, axis=2)[valid].mean() for guess in (flow, 0))
        print(f'end-point error {error:.3f} pixels; that of no motion is {still:.3f}')
    length = np.linalg.norm(flow, axis=2)
    print(
        f'{flow.shape[1]} x {flow.shape[0]} vectors, mean length {length.mean():.2f}, longest {length.max():.2f} pixels'
    )


if __name__ == '__main__':
    main()
