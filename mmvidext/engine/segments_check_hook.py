"""Stop a run whose sampler and model do not agree on the number of frames in a clip."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvidext.engine.run_error import RunError
from mmvidext.engine.run_parts import unwrap_model
from mmvidext.models.necks import LSDFNNeck
from mmvidext.registry import HOOKS

__all__ = ['SegmentsCheckHook']


@HOOKS.register_module()
class SegmentsCheckHook(Hook):
    """Check that ``num_clips`` of the sampler fits ``num_segments`` of backbone and head, and ``temporal_pool`` both.

    A segment-based recognizer (TSM, MotionSqueeze, TIN) finds the clips in a batch of frames by ``num_segments`` alone.
    With any other number of frames it would group frames of different clips, without an error. Models without
    ``num_segments`` are not checked, but for the head behind an LS-DFN neck, which needs it.
    """

    def before_run(self, runner: Runner) -> None:
        """Compare backbone and head.

        Raises:
            RunError: If their ``num_segments`` differ, only one of them halves the frames, or a neck hands frames to a
                head that takes each for a clip.
        """
        model = unwrap_model(runner.model)
        backbone, head = getattr(model, 'backbone', None), getattr(model, 'cls_head', None)
        if head is None:
            return
        wanted, given = _num_segments(backbone), _num_segments(head)
        if given is None and isinstance(getattr(model, 'neck', None), LSDFNNeck):
            raise RunError(
                f'model.cls_head ({type(head).__name__}) has no num_segments and would take each frame that model.neck '
                'hands over for a clip: use a TSMHead'
            )
        if wanted is None:
            return
        if given is not None and wanted != given:
            raise RunError(
                f'model.backbone.num_segments={wanted} and model.cls_head.num_segments={given} must be equal'
            )
        pools, expects = bool(getattr(backbone, 'temporal_pool', False)), _expects_pool(head)
        if pools != expects:
            raise RunError(
                f'model.backbone.temporal_pool={pools}, but model.cls_head ({type(head).__name__}) is for '
                f'temporal_pool={expects}: set it to the same in both (of the heads, TSMHead has it)'
            )

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Check a training batch: as many frames as segments.

        Raises:
            RunError: If the numbers differ.
        """
        if batch_idx == 0:
            _check(runner, data_batch, 'train', exact=True)

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Check a validation batch: a multiple, for several views of a clip.

        Raises:
            RunError: If it is none.
        """
        if batch_idx == 0:
            _check(runner, data_batch, 'val', exact=False)

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Check a test batch: a multiple, for several views of a clip.

        Raises:
            RunError: If it is none.
        """
        if batch_idx == 0:
            _check(runner, data_batch, 'test', exact=False)


def _num_segments(part: Any) -> int | None:
    return getattr(part, 'num_segments', None)


def _expects_pool(head: Any) -> bool:
    """Whether a head averages half as many frames as it has segments; mmaction2's does so only with its shift."""
    return bool(getattr(head, 'temporal_pool', False) and getattr(head, 'is_shift', True))


def _check(runner: Runner, data_batch: Any, split: str, *, exact: bool) -> None:
    wanted = _num_segments(getattr(unwrap_model(runner.model), 'backbone', None))
    if wanted is None or not data_batch:
        return
    frames = len(data_batch['inputs'][0])  # (frames, 3, H, W)
    if frames != wanted if exact else frames % wanted:
        raise RunError(
            f'the {split} pipeline gives {frames} frames, but model.backbone.num_segments={wanted}: set '
            f'num_clips={wanted}{"" if exact else " (or a multiple of it)"} in SampleFrames of '
            f'{split}_dataloader.dataset.pipeline, or '
            'num_segments of backbone and cls_head to what the pipeline gives'
        )
