"""Time this package against the alternatives, both sides alternately in one run.

    python tools/benchmark.py SUBCOMMAND [--rounds N] [--json FILE]

Each subcommand is a module of ``tools/benchmarks``; ``--help`` lists them. Every row shows the median time of both
sides and their ratio: above 1 we are faster.
"""

import argparse
import importlib
import json
from pathlib import Path

import torch
from benchmarks.timing import Comparison, keep_freed_memory, use_cpu_time

SUBCOMMANDS = {
    'correlation': 'local_correlation against spatial-correlation-sampler, or a loop over shifts without it',
    'shift': 'TSM-ResNet-50 against the same ResNet-50 without shift, in three layouts',
    'motion-squeeze': 'MS-ResNet-50 against TSM-ResNet-50',
    'online-tsm': 'online TSM-ResNet-50, one frame with its state, against ResNet-50',
    'video-resnet': 'VideoResNet against nn.Sequential, and contiguous against channels_last_3d',
    'flownet': 'FlowNetC against FlowNetS, and half width against full',
    'dynamic-filter': 'dynamic_filter against the op that forms every kernel; the layer against two 5x5 convolutions',
    'dff': 'Deep Feature Flow against its segmentor frame by frame, and the cost of each part',
    'detection-ops': 'NMS, RoIAlign and deformable convolution against torchvision and mmcv, where installed',
}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(dest='subcommand', required=True)
    for name, summary in SUBCOMMANDS.items():
        module = importlib.import_module(f'benchmarks.{name.replace("-", "_")}')
        subparser = subparsers.add_parser(name, help=summary, description=module.__doc__)
        subparser.add_argument('--rounds', type=int, default=15, help='timed calls of each side (default: %(default)s)')
        subparser.add_argument('--threads', type=int, help="torch's thread count (default: torch's own)")
        subparser.add_argument(
            '--cpu-time',
            action='store_true',
            help='measure processor time: for a busy machine, with --threads 1',
        )
        subparser.add_argument('--device', default='cpu', help='cpu or cuda (default: %(default)s)')
        subparser.add_argument('--json', type=Path, help='also write the rows to this file')
        if hasattr(module, 'add_arguments'):
            module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def format_table(rows: list[Comparison]) -> str:
    """Render rows as a Markdown table."""

    def peak(value: float | None) -> str:
        return '' if value is None else f'{value:.0f}'

    lines = [
        '| what | ours | ms | peak MiB | other | ms | peak MiB | other / ours |',
        '|---|---|---:|---:|---|---:|---:|---:|',
    ]
    lines += [
        f'| {row.name} | {row.ours} | {row.ours_ms:.1f} | {peak(row.ours_peak_mb)} | {row.other} | {row.other_ms:.1f} '
        f'| {peak(row.other_peak_mb)} | {row.ratio:.2f} |'
        for row in rows
    ]
    return '\n'.join(lines)


def main() -> None:
    args = build_parser().parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    print(
        f'torch {torch.__version__}, {args.device}, {torch.get_num_threads()} threads, median of {args.rounds} rounds\n'
    )
    keep_freed_memory()
    if args.cpu_time:
        use_cpu_time()
    rows = args.run(args)
    print(format_table(rows))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps([row.to_dict() for row in rows], indent=2) + '\n')


if __name__ == '__main__':
    main()
