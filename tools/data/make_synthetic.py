"""Generate a small data set with exact labels, in the format of a real one.

    python tools/data/make_synthetic.py sthv2 data/synthetic_sthv2 --train 600 --val 160 --size 128x96 --seed 0
    python tools/data/make_synthetic.py cityscapes data/synthetic_cityscapes
    python tools/data/make_synthetic.py flying-chairs data/synthetic_chairs

A second run with the same settings adds only what is missing.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmvidext.datasets.synthetic.cityscapes_writer import write_cityscapes
from mmvidext.datasets.synthetic.flying_chairs_writer import write_flying_chairs
from mmvidext.datasets.synthetic.random_scene import SceneOptions
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2


def parse_size(text: str) -> tuple[int, int]:
    """Read ``WIDTHxHEIGHT``."""
    width, separator, height = text.partition('x')
    if not (separator and width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f'expected WIDTHxHEIGHT in pixels, for example 128x96, but got {text!r}')
    return int(width), int(height)


def add_common(parser: argparse.ArgumentParser, *, train: int, val: int, size: str) -> None:
    parser.add_argument('out', type=Path, help='folder of the data set')
    parser.add_argument('--train', type=int, default=train, help='training items (default: %(default)s)')
    parser.add_argument('--val', type=int, default=val, help='validation items (default: %(default)s)')
    parser.add_argument('--size', type=parse_size, default=size, help='of a frame, in pixels (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of everything random (default: %(default)s)')
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        help='processes; 0: none besides this (default: %(default)s)',
    )


def run_sthv2(args: argparse.Namespace) -> None:
    write_sthv2(
        args.out,
        num_train=args.train,
        num_val=args.val,
        size=args.size,
        num_frames=args.frames,
        travel_only=args.travel_only,
        camera=args.camera,
        seed=args.seed,
        workers=args.workers,
    )
    print(f'{args.out}: {args.train} training and {args.val} validation clips in the format of Something-Something V2')


def add_scene_options(parser: argparse.ArgumentParser, *, max_displacement: float) -> None:
    parser.add_argument(
        '--max-displacement',
        type=float,
        default=max_displacement,
        help='how far a point moves between frames at most, in pixels (default: %(default)s)',
    )
    parser.add_argument('--objects', type=int, default=6, help='in each scene (default: %(default)s)')
    parser.add_argument('--thin-objects', type=int, default=0, help='poles in each scene (default: %(default)s)')


def scene_options(args: argparse.Namespace, num_frames: int) -> SceneOptions:
    return SceneOptions(
        size=args.size,
        num_frames=num_frames,
        max_displacement=args.max_displacement,
        num_objects=args.objects,
        thin_objects=args.thin_objects,
    )


def run_cityscapes(args: argparse.Namespace) -> None:
    write_cityscapes(
        args.out,
        scene_options(args, args.frames),
        num_train=args.train,
        num_val=args.val,
        label_every_frame=args.all_labels,
        seed=args.seed,
        workers=args.workers,
    )
    print(f'{args.out}: {args.train} training and {args.val} validation snippets in the layout of Cityscapes')


def run_flying_chairs(args: argparse.Namespace) -> None:
    write_flying_chairs(
        args.out,
        scene_options(args, 2),
        num_train=args.train,
        num_val=args.val,
        seed=args.seed,
        workers=args.workers,
    )
    print(f'{args.out}: {args.train} training and {args.val} validation pairs in the layout of FlyingChairs')


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(dest='format', required=True)
    sthv2 = subparsers.add_parser('sthv2', help='clips with motion labels, as Something-Something V2')
    add_common(sthv2, train=600, val=160, size='128x96')
    sthv2.add_argument('--frames', type=int, default=20, help='of each clip (default: %(default)s)')
    sthv2.add_argument('--travel-only', action='store_true', help='leave out motions towards and away from the camera')
    sthv2.add_argument('--camera', action='store_true', help='the camera turns: four labels that are easier to learn')
    sthv2.set_defaults(run=run_sthv2)
    cityscapes = subparsers.add_parser('cityscapes', help='labelled snippets, as Cityscapes')
    add_common(cityscapes, train=120, val=40, size='256x128')
    cityscapes.add_argument('--frames', type=int, default=30, help='of each snippet (default: %(default)s)')
    cityscapes.add_argument('--all-labels', action='store_true', help='label every frame, not one of each snippet')
    add_scene_options(cityscapes, max_displacement=5)
    cityscapes.set_defaults(run=run_cityscapes)
    chairs = subparsers.add_parser('flying-chairs', help='pairs with flow, as FlyingChairs')
    add_common(chairs, train=800, val=80, size='192x128')
    add_scene_options(chairs, max_displacement=12)
    chairs.set_defaults(run=run_flying_chairs)
    return parser


def main() -> None:
    parser = build_parser()
    args = parser.parse_args()
    try:
        args.run(args)
    except ValueError as error:
        parser.error(str(error))


if __name__ == '__main__':
    main()
