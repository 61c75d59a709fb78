"""Turn the download of Something-Something V2 into annotation lists, and check that every video opens.

    python tools/data/prepare_sthv2.py data/sthv2

The folder holds the unpacked videos and the JSON files, with or without the prefix something-something-v2-. A second
run checks only what is new or has changed. Ends with status 1 if videos are bad, unless --drop-bad leaves them out.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmvidext.datasets.sthv2_preparation import BAD_VIDEOS, Preparation, prepare_sthv2

MOST_SHOWN = 10


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder of the download')
    parser.add_argument('--videos', type=Path, help='folder of the videos (default: looked for in ROOT)')
    parser.add_argument('--annotations', type=Path, help='folder of the JSON files (default: looked for in ROOT)')
    parser.add_argument('--out', type=Path, help='where to write the lists (default: ROOT)')
    parser.add_argument('--labels', type=Path, help='where to write the class names (default: OUT/class_names.txt)')
    parser.add_argument('--ext', default='webm', help='extension of the videos (default: %(default)s)')
    parser.add_argument('--drop-bad', action='store_true', help='leave bad videos out instead of failing')
    parser.add_argument('--workers', type=int, default=os.cpu_count() or 1, help='processes (default: %(default)s)')
    return parser


def report(result: Preparation, *, drop_bad: bool) -> None:
    for split, count in result.listed.items():
        print(f'{split}: {count} videos')
    for path in result.written:
        print(f'wrote {path}')
    if result.bad:
        print(f'\n{len(result.bad)} bad videos, all listed in {BAD_VIDEOS}:')
        for checked in result.bad[:MOST_SHOWN]:
            print(f'  {checked.path} {checked.problem}')
        if not drop_bad:
            print('No lists were written; those of an earlier run are as they were. Download these videos again, or')
            print('leave them out with --drop-bad.')
            return
    print(
        f'\nFor the config: data_prefix=dict(video={str(result.videos)!r}), num_classes={len(result.class_names)}, '
        f"dict(type='Flip', flip_label_map={result.flip_label_map})"
    )


def main() -> None:
    parser = build_parser()
    args = parser.parse_args()
    try:
        result = prepare_sthv2(
            args.root,
            videos=args.videos,
            annotations=args.annotations,
            out=args.out,
            class_names_file=args.labels,
            extension=args.ext.removeprefix('.'),
            drop_bad=args.drop_bad,
            workers=args.workers,
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))
    report(result, drop_bad=args.drop_bad)
    if result.bad and not args.drop_bad:
        sys.exit(1)


if __name__ == '__main__':
    main()
