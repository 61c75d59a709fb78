from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from mmvidext.engine import SegmentsCheckHook
from mmvidext.models.necks import LSDFNNeck


def runner(backbone=8, head=8):
    model = SimpleNamespace(
        backbone=SimpleNamespace(num_segments=backbone), cls_head=SimpleNamespace(num_segments=head)
    )
    return SimpleNamespace(model=model)


def batch(frames):
    return dict(inputs=[torch.zeros(frames, 3, 2, 2)])


def test_what_fits_passes():
    hook = SegmentsCheckHook()
    hook.before_run(runner())
    hook.before_train_iter(runner(), 0, batch(8))
    hook.before_val_iter(runner(), 0, batch(8))
    hook.before_test_iter(runner(), 0, batch(48))


def test_models_without_segments_are_left_alone():
    model = SimpleNamespace(backbone=SimpleNamespace(), cls_head=SimpleNamespace(num_segments=8))
    hook = SegmentsCheckHook()
    hook.before_run(SimpleNamespace(model=model))
    hook.before_train_iter(SimpleNamespace(model=model), 0, batch(5))


def test_a_wrapped_model_is_looked_into():
    model = torch.nn.Module()
    vars(model).update(vars(runner().model))
    wrapped = SimpleNamespace(model=torch.nn.DataParallel(model))
    with pytest.raises(ValueError, match='gives 4 frames'):
        SegmentsCheckHook().before_train_iter(wrapped, 0, batch(4))


def test_backbone_and_head_differ():
    with pytest.raises(ValueError, match=r'backbone.num_segments=8 and model.cls_head.num_segments=16 must be equal'):
        SegmentsCheckHook().before_run(runner(head=16))


@pytest.mark.parametrize(
    ('backbone', 'head', 'fits'),
    [
        (dict(temporal_pool=True), dict(temporal_pool=True, is_shift=True, num_segments=8), True),
        (dict(temporal_pool=True), dict(temporal_pool=False, is_shift=True, num_segments=8), False),
        (dict(temporal_pool=True), dict(temporal_pool=True, is_shift=False, num_segments=8), False),
        (dict(temporal_pool=True), dict(), False),  # TSNHead
        (dict(), dict(temporal_pool=True, num_segments=8), False),
        (dict(), dict(), True),
    ],
)
def test_backbone_and_head_pool_both_or_none(backbone, head, fits):
    model = SimpleNamespace(backbone=SimpleNamespace(num_segments=8, **backbone), cls_head=SimpleNamespace(**head))
    expected = r'temporal_pool=(True|False), but model.cls_head \(SimpleNamespace\) is for temporal_pool=(?!\1)'
    with nullcontext() if fits else pytest.raises(ValueError, match=expected):
        SegmentsCheckHook().before_run(SimpleNamespace(model=model))


def test_a_head_that_takes_frames_for_clips():
    neck = LSDFNNeck(2, feature_channels=2, kernel_channels=2)
    model = SimpleNamespace(backbone=SimpleNamespace(num_segments=8), neck=neck, cls_head=SimpleNamespace())
    with pytest.raises(ValueError, match=r'model\.cls_head \(SimpleNamespace\) has no num_segments .*: use a TSMHead'):
        SegmentsCheckHook().before_run(SimpleNamespace(model=model))
    SegmentsCheckHook().before_run(SimpleNamespace(model=SimpleNamespace(neck=neck)))  # of a detector


@pytest.mark.parametrize(('split', 'frames'), [('train', 4), ('train', 16), ('val', 12), ('test', 20)])
def test_sampler_differs(split, frames):
    """16 frames in training would be two clips of 8 to a segment-based model: no error without this check."""
    check = getattr(SegmentsCheckHook(), f'before_{split}_iter')
    message = rf'the {split} pipeline gives {frames} frames, .*num_segments=8: set num_clips=8.*{split}_dataloader'
    with pytest.raises(ValueError, match=message):
        check(runner(), 0, batch(frames))
