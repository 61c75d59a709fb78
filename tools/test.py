"""Evaluate a checkpoint.

python tools/test.py configs/ms_tsm_r50_sthv2.py CHECKPOINT [--per-class] [--confusion-matrix FILE.png]
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.running import (
    add_common_arguments,
    build_runner,
    check_labels,
    leave_process_group,
    load_config,
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint file or URL, ours or official')
    parser.add_argument('--dump', metavar='FILE.pkl', help='also write all predictions to this file')
    parser.add_argument('--metrics', type=Path, metavar='FILE.json', help='also write the metrics to this file')
    parser.add_argument('--per-class', action='store_true', help='print a table of the accuracy of each class')
    parser.add_argument('--confusion-matrix', metavar='FILE.png', help='write a picture of the confusion matrix')
    parser.add_argument(
        '--class-names', metavar='FILE.txt', help='names of the classes, one per line, for the two above'
    )
    return parser


def apply_flags(parser: argparse.ArgumentParser, args: argparse.Namespace, cfg) -> None:  # noqa: ANN001 - a Config
    """Write the evaluation flags into the config."""
    cfg.load_from = None  # the checkpoint is loaded when the model is there
    evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    if args.dump:
        if not args.dump.endswith(('.pkl', '.pickle')):
            parser.error(f'--dump writes a pickle, so its file must end in .pkl, but is {args.dump}')
        evaluators.append(dict(type='DumpResults', out_file_path=args.dump))
    if args.confusion_matrix and not args.confusion_matrix.endswith('.png'):
        parser.error(
            f'--confusion-matrix writes a picture, so its file must end in .png, but is {args.confusion_matrix}'
        )
    if args.class_names and not (args.per_class or args.confusion_matrix):
        parser.error('--class-names is for --per-class and --confusion-matrix: give one of them, too')
    if args.class_names and not Path(args.class_names).is_file():
        parser.error(f'there is no file of class names {args.class_names}')
    if args.per_class or args.confusion_matrix:
        evaluators.append(
            dict(
                type='mmvidext.ClassificationReport',
                class_names=args.class_names,
                table=args.per_class,
                picture=args.confusion_matrix,
            )
        )
    cfg.test_evaluator = evaluators


def main() -> None:
    from mmvidext.apis.weights import load_for_inference

    parser = build_parser()
    args = parser.parse_args()
    cfg = load_config(parser, args)
    apply_flags(parser, args, cfg)
    runner = build_runner(cfg, args)
    try:
        load_for_inference(runner.model, args.checkpoint)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    check_labels(runner, dump=args.dump)
    metrics = runner.test()
    if args.metrics and runner.rank == 0:
        args.metrics.parent.mkdir(parents=True, exist_ok=True)
        args.metrics.write_text(json.dumps({name: float(value) for name, value in metrics.items()}, indent=2) + '\n')
    leave_process_group()


if __name__ == '__main__':
    main()
