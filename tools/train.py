"""Train a model.

python tools/train.py configs/ms_tsm_r50_sthv2.py [--work-dir DIR] [--resume] [--cfg-options KEY=VALUE ...]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.running import add_common_arguments, build_runner, leave_process_group, load_config, start_from


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from CHECKPOINT, or without one from the newest checkpoint in the work dir, if there is any',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help="scale the learning rate to the batch size in the config's way"
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate during training')
    return parser


def apply_flags(parser: argparse.ArgumentParser, args: argparse.Namespace, cfg) -> None:  # noqa: ANN001 - a Config
    """Write the training flags into the config."""
    from mmengine.device import get_device  # after tools.running has set what torch reads once
    from mmengine.runner import find_latest_checkpoint

    if args.amp:
        if get_device() == 'cpu':
            parser.error('--amp needs a GPU, or another device of those that mmengine knows; there is none')
        wrapper = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if wrapper not in ('OptimWrapper', 'AmpOptimWrapper'):
            parser.error(f'--amp cannot replace the optim_wrapper {wrapper!r} of {args.config}')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume:
        newest = find_latest_checkpoint(cfg.work_dir) if args.resume == 'auto' else args.resume
        cfg.resume = newest is not None  # the first start of a job that always resumes begins with the config's weights
        cfg.load_from = newest or cfg.get('load_from')
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            parser.error(f'--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in {args.config}')
        cfg.auto_scale_lr.enable = True
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None


def main() -> None:
    parser = build_parser()
    args = parser.parse_args()
    cfg = load_config(parser, args)
    apply_flags(parser, args, cfg)
    load_from = cfg.get('load_from')
    if not cfg.get('resume'):
        cfg.load_from = None  # mmengine would take what fits and say nothing of the rest
    runner = build_runner(cfg, args)
    try:
        start_from(runner, load_from, resume=bool(cfg.get('resume')))
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    runner.train()
    leave_process_group()


if __name__ == '__main__':
    main()
