"""Bring official weights into the layout of our models.

    python tools/convert_checkpoint.py [--source NAME] IN OUT

The source is recognised from the keys unless it is named. OUT is a file with a ``state_dict`` that ``load_from``, the
``pretrained`` of our backbones and ``tools/test.py`` read. Nothing in IN is executed.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmvidext.checkpoints import convert_checkpoint, find_source, load_checkpoint_file
from mmvidext.checkpoints.sources import SOURCES


def build_parser() -> argparse.ArgumentParser:
    sources = '\n'.join(f'  {source.name:20} {source.summary}' for source in SOURCES)
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f'sources:\n{sources}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('input', type=Path, metavar='IN', help='official checkpoint')
    parser.add_argument('output', type=Path, metavar='OUT', help='where to write the converted one')
    parser.add_argument('--source', choices=[source.name for source in SOURCES], help='where IN is from')
    return parser


def main(arguments: list[str] | None = None) -> None:
    args = build_parser().parse_args(arguments)
    if args.output.is_dir():
        sys.exit(f'error: {args.output} is a folder: name the file to write in it')
    try:
        weights = load_checkpoint_file(args.input)
        source = args.source or find_source(weights)
        converted = convert_checkpoint(weights, args.source)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f'error: {error}')
    args.output.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': converted, 'meta': {'source': source}}, args.output)
    size = sum(tensor.numel() for tensor in converted.values()) / 1e6
    print(f'{args.input}: {source}, {len(converted)} tensors, {size:.1f} million values -> {args.output}')


if __name__ == '__main__':
    main()
