"""``mmvidext test``: evaluate a checkpoint."""

import json
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import click
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmvidext.cli.gpu_flags import evaluate_in_half_precision
from mmvidext.cli.options import FILE, PATH, PathEndingIn, RunCommand, amp_option, run_options, usage_errors
from mmvidext.cli.running import (
    bounded,
    build_runner,
    build_testing,
    building_errors,
    check_labels,
    config_or_data,
    leave_process_group,
    load_run_config,
    run_errors,
)
from mmvidext.cli.stop_signals import exit_on_signals
from mmvidext.cli.trained_settings import other_settings, trained_recipe, warn_of_other_classes
from mmvidext.datasets.atomic_write import atomic_write_text
from mmvidext.datasets.class_names import read_class_names
from mmvidext.evaluation.classification_report import ClassificationReport, draw_confusion_matrix
from mmvidext.evaluation.prediction_dump import PredictionDump

__all__ = ['apply_test_flags', 'check_class_names', 'test']

_Metric = TypeVar('_Metric')


def apply_test_flags(
    cfg: Config,
    *,
    amp: str | None = None,
    dump: Path | None = None,
    per_class: bool = False,
    confusion_matrix: Path | None = None,
    class_names: Path | None = None,
    show_dir: Path | None = None,
) -> None:
    """Write the evaluation flags into the config.

    Raises:
        click.UsageError: If a flag asks for what the config's metrics do not give.
    """
    if amp:
        evaluate_in_half_precision(cfg, amp)
    cfg.load_from = None  # the checkpoint is loaded when the model is there
    if not cfg.get('test_evaluator'):
        raise click.UsageError(f'{cfg.filename} has no test_evaluator: nothing says what to measure')
    several = isinstance(cfg.test_evaluator, (list, tuple))
    evaluators = list(cfg.test_evaluator) if several else [cfg.test_evaluator]
    is_segmentation = any(str(metric.get('type')).endswith('IoUMetric') for metric in evaluators)
    if class_names and not (per_class or confusion_matrix):
        raise click.UsageError('--class-names is for --per-class and --confusion-matrix: give one of them, too')
    if is_segmentation and (confusion_matrix or class_names):
        raise click.UsageError('--confusion-matrix and --class-names are for recognition, but this is segmentation')
    if show_dir:
        _show(cfg, show_dir)
    if dump:
        evaluators.append(dict(type='mmvidext.PredictionDump', out_file_path=str(dump)))
    if (per_class or confusion_matrix) and not is_segmentation:  # the IoU metrics log a table of their own
        evaluators.append(
            dict(
                type='mmvidext.ClassificationReport',
                class_names=class_names and str(class_names),
                table=per_class,
            )
        )
    cfg.test_evaluator = evaluators


def _show(cfg: Config, folder: Path) -> None:
    hook = (cfg.get('default_hooks') or {}).get('visualization')
    if hook is None:
        raise click.UsageError(
            "--show-dir needs default_hooks=dict(visualization=dict(type='mmvidext.ClipPictureHook')) in the config "
            "(recognition), or type='SegVisualizationHook' (segmentation)"
        )
    if str(hook.type).endswith('SegVisualizationHook'):
        hook.draw = True
        cfg.visualizer.save_dir = str(folder)
    else:
        hook.update(enable=True, out_dir=str(folder))


def check_class_names(cfg: Config, class_names: Path) -> None:
    """Compare the number of class names with that of the model's classes, where the config tells it.

    Raises:
        click.UsageError: If they differ, or the file cannot be read.
    """
    with usage_errors():
        names = read_class_names(class_names)
    expected = (cfg.model.get('cls_head') or {}).get('num_classes')
    if expected not in (None, len(names)):
        raise click.UsageError(f'--class-names: {class_names} names {len(names)} classes, but the model has {expected}')


def _write(
    runner: Runner,
    values: Mapping[str, Any],
    *,
    metrics: Path | None,
    dump: Path | None,
    confusion_matrix: Path | None,
) -> None:
    """Write what a test found, first what is smallest: a later file may not have room. None costs another one."""
    with ExitStack() as each:  # in reverse order
        if dump:
            each.callback(_last(runner, PredictionDump).write)
        if confusion_matrix:
            report = _last(runner, ClassificationReport)
            each.callback(draw_confusion_matrix, report.matrix, report.names, confusion_matrix)
        if metrics:
            text = json.dumps(dict(values), indent=2, default=_plain)
            each.callback(atomic_write_text, metrics, text + '\n')


def _plain(value: Any) -> Any:
    """Return a value of a metric that JSON does not know: a tensor or an array as numbers, anything else as text."""
    return value.tolist() if hasattr(value, 'tolist') else str(value)


def _last(runner: Runner, kind: type[_Metric]) -> _Metric:
    """Return the last metric of a kind: those of the options come behind those of the config."""
    return [one for one in runner.test_loop.evaluator.metrics if type(one) is kind][-1]


@click.command(cls=RunCommand)
@run_options
@click.argument('checkpoint')
@amp_option
@click.option(
    '--dump',
    type=PathEndingIn('.pkl', '.pickle'),
    metavar='FILE.pkl',
    help='Also write all predictions to this file.',
)
@click.option('--metrics', type=PATH, metavar='FILE.json', help='Also write the metrics to this file.')
@click.option('--per-class', is_flag=True, help='Print a table of the accuracy (or IoU) of each class.')
@click.option(
    '--confusion-matrix',
    type=PathEndingIn('.png'),
    metavar='FILE.png',
    help='Draw the confusion matrix into this picture.',
)
@click.option(
    '--class-names',
    type=FILE,
    metavar='FILE.txt',
    help='Names of the classes, one a line, for --per-class and --confusion-matrix.',
)
@click.option('--show-dir', type=PATH, metavar='FOLDER', help='Draw the predictions into pictures in this folder.')
def test(
    config: str,
    checkpoint: str,
    amp: str | None,
    dump: Path | None,
    metrics: Path | None,
    per_class: bool,
    confusion_matrix: Path | None,
    class_names: Path | None,
    show_dir: Path | None,
    verbose: bool,
    **common: Any,
) -> None:
    """Evaluate CHECKPOINT, a file, URL or work directory, ours or official, on the test data of CONFIG.

    Example: mmvidext test mmvidext::ms_tsm_r50_sthv2 work_dirs/ms_tsm/epoch_40.pth --per-class
    """
    from mmvidext.apis.picture_outputs import check_outputs
    from mmvidext.apis.trained_model import checkpoint_in
    from mmvidext.apis.weights import load_for_inference

    with usage_errors():
        if Path(checkpoint).is_dir():
            checkpoint = str(checkpoint_in(Path(checkpoint)))
    config = config_or_data(config, trained_recipe(Path(config), Path(checkpoint)))
    # training writes the variables, too, that its config was built from
    was_dumped = Path(config).is_file() and Path(config).resolve().parent == Path(checkpoint).resolve().parent
    cfg = load_run_config(config, warns=not was_dumped, **common)
    if not common['work_dir']:  # a runner writes its config there, which would replace that of the training
        cfg.work_dir = str(Path(cfg.work_dir) / 'test')
    if others := other_settings(cfg, checkpoint):
        text = f'{checkpoint} was trained with {", ".join(others)}: give the same --cfg-options or the config beside it'
        print_log(text, logger='current', level=logging.WARNING)
    with usage_errors():
        inputs = [Path(path) for path in (config, checkpoint, class_names) if path]
        check_outputs((dump, metrics, confusion_matrix, show_dir), inputs)
    outputs: dict[str, Any] = dict(dump=dump, per_class=per_class, confusion_matrix=confusion_matrix, show_dir=show_dir)
    apply_test_flags(cfg, amp=amp, class_names=class_names, **outputs)
    if class_names:
        check_class_names(cfg, class_names)
    runner = build_runner(cfg, verbose=verbose)
    build_testing(runner, cfg)
    with building_errors(cfg), usage_errors():
        saved = load_for_inference(runner.model, checkpoint).meta.get('dataset_meta')
        warn_of_other_classes(runner, checkpoint, saved)
        measured = {'--metrics': metrics, '--per-class': per_class, '--confusion-matrix': confusion_matrix}
        check_labels(runner, dump=dump, measured=[option for option, value in measured.items() if value])
    with bounded(cfg), exit_on_signals(), run_errors():
        values = runner.test()
        if runner.rank == 0:
            _write(runner, values, metrics=metrics, dump=dump, confusion_matrix=confusion_matrix)
    if runner.rank == 0 and (written := [str(path) for path in (dump, metrics, confusion_matrix, show_dir) if path]):
        click.echo(f'wrote {", ".join(written)}')
    leave_process_group()
