"""Time this package against the alternatives, both sides alternately in one run.

    python tools/benchmark.py SUBCOMMAND [--device cuda] [--dtype bfloat16] [--rounds N] [--json FILE]
    python tools/benchmark.py all --json FILE

Each subcommand is a module of ``tools/benchmarks``; ``--help`` lists them. Every row shows the median time of both
sides and their ratio: above 1 we are faster. Launches and MiB moved (what each operator reads and writes) are counted
on any machine, for the way that ops take on its device. Models run under autocast in the given dtype, ops on tensors
of it.
"""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

import torch
from benchmarks.machine import describe_machine
from benchmarks.timing import Comparison, keep_freed_memory, set_up

SUBCOMMANDS = {
    'correlation': 'local_correlation against a loop over shifts, spatial-correlation-sampler and mmcv',
    'kernels': 'the kernels in Triton against the same ops in plain torch, on a GPU',
    'shift': 'TSM-ResNet-50 against the same ResNet-50 without shift, in three layouts',
    'motion-squeeze': 'MS-ResNet-50 against TSM-ResNet-50',
    'online-tsm': 'online TSM-ResNet-50, one frame with its state, against ResNet-50',
    'video-resnet': 'VideoResNet against nn.Sequential, and contiguous against channels_last_3d',
    'flownet': 'FlowNetC against FlowNetS, and half width against full',
    'dynamic-filter': 'dynamic_filter against the op that forms every kernel; the layer against two 5x5 convolutions',
    'dff': 'Deep Feature Flow against its segmentor frame by frame, and the cost of each part',
    'dff-detection': 'the same for a detector, R-FCN R101 at 600x1000',
    'decode': 'the frames of a clip decoded by PyAV, decord, torchcodec and OpenCV',
    'pipeline': 'the pipeline of a config, step by step, on videos and on re-encoded copies',
    'hooks': 'an iteration of training with the hooks that keep a run from being lost, and without',
    'detection-ops': 'NMS, RoIAlign and deformable convolution against torchvision and mmcv, where installed',
}
DTYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(dest='subcommand', required=True)
    for name, summary in SUBCOMMANDS.items():
        module = importlib.import_module(f'benchmarks.{name.replace("-", "_")}')
        subparser = subparsers.add_parser(name, help=summary, description=module.__doc__)
        add_common_arguments(subparser)
        if hasattr(module, 'add_arguments'):
            module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    everything = subparsers.add_parser('all', help='every subcommand with its defaults')
    add_common_arguments(everything)
    everything.add_argument('--only', nargs='+', choices=SUBCOMMANDS, default=list(SUBCOMMANDS), help='some of them')
    return parser


def torch_dtype(name: str) -> torch.dtype:
    if name not in DTYPES:
        raise argparse.ArgumentTypeError(f'it must be one of {", ".join(DTYPES)}, not {name}')
    return DTYPES[name]


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--rounds', type=int, default=15, help='timed calls of each side (default: %(default)s)')
    parser.add_argument('--threads', type=int, help="torch's thread count (default: torch's own)")
    parser.add_argument(
        '--cpu-time', action='store_true', help='measure processor time: for a busy machine, with --threads 1'
    )
    parser.add_argument(
        '--keep-freed-memory', action='store_true', help='let glibc keep freed memory: less noise, not as users have it'
    )
    parser.add_argument('--device', default='cpu', help='cpu, cuda or cuda:1 (default: %(default)s)')
    parser.add_argument('--dtype', type=torch_dtype, default='float32', help=', '.join(DTYPES))
    parser.add_argument('--json', type=Path, help='also write the machine and the rows to this file')


def format_table(rows: list[Comparison]) -> str:
    """Render rows as a Markdown table."""

    def number(value: float | None) -> str:
        return '' if value is None else f'{value:.0f}'

    def side(name: str, ms: float, *counts: float | None) -> str:
        return ' | '.join([name, f'{ms:.3g}' if ms < 10 else f'{ms:.1f}', *map(number, counts)])

    columns = ['ms', 'peak MiB', 'launches', 'MiB moved']
    lines = [
        '| ' + ' | '.join(['what', 'ours', *columns, 'other', *columns, 'other / ours']) + ' |',
        '|---' * 2 + '|---:' * 4 + '|---' + '|---:' * 5 + '|',
    ]
    for row in rows:
        ours = side(row.ours, row.ours_ms, row.ours_peak_mb, row.ours_launches, row.ours_moved_mb)
        other = side(row.other, row.other_ms, row.other_peak_mb, row.other_launches, row.other_moved_mb)
        lines.append(f'| {row.name} | {ours} | {other} | {row.ratio:.2f} |')
    return '\n'.join(lines)


def measure(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Run one subcommand, print its table and return its rows."""
    rows = args.run(args)
    print(f'\n{format_table(rows)}\n')
    return [row.to_dict() for row in rows]


def measure_all(parser: argparse.ArgumentParser, common: list[str], names: list[str]) -> dict[str, Any]:
    """Run subcommands; what fails is named, and the others run nevertheless."""
    results: dict[str, Any] = {}
    for name in names:
        print(f'## {name}\n')
        try:
            results[name] = measure(parser.parse_args([name, *common]))
        except Exception as error:
            print(f'{name} failed: {type(error).__name__}: {error}\n')
            results[name] = f'{type(error).__name__}: {error}'
    return results


def main() -> None:
    parser = build_parser()
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    machine = describe_machine(args.device)
    dtype = str(args.dtype).removeprefix('torch.')
    print(f'{", ".join(f"{name} {value}" for name, value in machine.items())}, {dtype}, {args.rounds} rounds\n')
    if args.keep_freed_memory:
        keep_freed_memory()
    set_up(args.device, args.dtype, cpu_time=args.cpu_time)
    if args.subcommand == 'all':
        common = ['--rounds', str(args.rounds), '--device', args.device, '--dtype', dtype]
        results = measure_all(parser, common, args.only)
    else:
        results = {args.subcommand: measure(args)}
    if args.json:
        report = {'machine': machine, 'dtype': dtype, 'rounds': args.rounds, 'results': results}
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=2) + '\n')
    if any(isinstance(result, str) for result in results.values()):
        raise SystemExit(1)


if __name__ == '__main__':
    main()
