"""Bring official weights under the names of a model.

    python tools/convert_checkpoint.py CONFIG IN OUT [--source NAME] [--cfg-options KEY=VALUE ...]

CONFIG is the model that the weights are for: every tensor must have its place there. OUT is a file with a
``state_dict`` that the tools of mmaction2 and mmsegmentation read, too; ours also read IN. Nothing in IN is executed.
"""

import argparse
import sys
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import MODELS, init_default_scope

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmvidext.checkpoints import convert_checkpoint, find_source, read_checkpoint, source_names
from mmvidext.checkpoints.sources import SOURCES


def build_parser() -> argparse.ArgumentParser:
    sources = '\n'.join(f'  {source.name:20} {source.summary}' for source in SOURCES)
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f'sources:\n{sources}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', type=Path, metavar='CONFIG', help='config with the model')
    parser.add_argument('input', metavar='IN', help='official checkpoint, file or URL')
    parser.add_argument('output', type=Path, metavar='OUT', help='where to write the converted one')
    parser.add_argument('--source', choices=source_names(), help='where IN is from (default: recognized)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='override the config')
    return parser


def build_model(args: argparse.Namespace) -> torch.nn.Module:
    """Build the model of the config without memory for its weights."""
    if not args.config.is_file():
        sys.exit(f'error: there is no config {args.config}')
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options or {})
    init_default_scope(config.get('default_scope', 'mmengine'))
    with torch.device('meta'):
        return MODELS.build(config.model)


def main(arguments: list[str] | None = None) -> None:
    args = build_parser().parse_args(arguments)
    if args.output.is_dir():
        sys.exit(f'error: {args.output} is a folder: name the file to write in it')
    try:
        weights = read_checkpoint(args.input).tensors
        source = args.source or find_source(weights)
        converted = convert_checkpoint(weights, build_model(args), args.source)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f'error: {error}')
    args.output.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': converted, 'meta': {'source': source}}, args.output)
    size = sum(tensor.numel() for tensor in converted.values()) / 1e6
    print(f'{args.input}: {source}, {len(converted)} tensors, {size:.1f} million values -> {args.output}')


if __name__ == '__main__':
    main()
