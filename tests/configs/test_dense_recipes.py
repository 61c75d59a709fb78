"""The recipes of flow and segmentation: rate and decay of every parameter, the schedule, augmentation.

Sources. FlowNet: mmflow's schedules S_long and S_fine and its augmentation; ClementPinard/FlowNetPytorch for biases
(``--bias-decay`` is 0). Deep Feature Flow: rate 2.5e-4 of msracver/Deep-Feature-Flow, whose gradients are summed over 4
GPUs, is 1e-3 of their mean. DeepLabV2: its paper. The others: mmsegmentation's 40,000 iterations. What differs on
purpose is in docs/compatibility.md.
"""

from dataclasses import dataclass

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, PARAM_SCHEDULERS, init_default_scope
from torch import nn

from tests.configs.paths import load


@dataclass
class DenseRecipe:
    """What a script says; the rate of `fast` parts is ten times that of the rest."""

    optimizer: str
    rate: float
    decay: float
    batch: int
    iterations: int
    steps: tuple[int, ...]
    factor: float = 0.1
    bias_decay: bool = True
    fast: tuple[str, ...] = ()
    total: int = 8  # the batch of all GPUs that the rate is for


STEPS_LONG, STEPS_FINE = (400_000, 600_000, 800_000, 1_000_000), (200_000, 300_000, 400_000, 500_000)
LONG = DenseRecipe('Adam', 1e-4, 4e-4, 8, 1_200_000, STEPS_LONG, 0.5, bias_decay=False)
FINE = DenseRecipe('Adam', 1e-5, 4e-4, 8, 600_000, STEPS_FINE, 0.5, bias_decay=False)
QUARTER = DenseRecipe(
    'Adam', 1e-4, 4e-4, 16, 300_000, (100_000, 150_000, 200_000, 250_000), 0.5, bias_decay=False, total=16
)
DFF = DenseRecipe('SGD', 1e-3, 5e-4, 1, 20_000, (15_000,))
FRAMES = DenseRecipe('SGD', 1e-3, 5e-4, 2, 20_000, (15_000,))
MMSEG = DenseRecipe('SGD', 1e-2, 5e-4, 2, 40_000, ())
SMALL = DenseRecipe('AdamW', 3e-4, 1e-2, 4, 2000, (), total=4)  # ours, for videos of one's own
DEEPLAB = DenseRecipe('SGD', 2.5e-4, 5e-4, 10, 20_000, (), fast=('decode_head', 'neck'), total=10)
SMALL_SCHEDULE = [('LinearLR', 0, 200), ('CosineAnnealingLR', 200, 2000)]
DENSE_RECIPES = {
    **dict.fromkeys(('flownets_flyingchairs', 'flownetc_flyingchairs'), LONG),
    **dict.fromkeys(('flownets_flyingchairs_fine', 'flownetc_flyingchairs_fine'), FINE),
    **dict.fromkeys(('flownets_sintel', 'flownetc_sintel'), FINE),
    **dict.fromkeys(('lsdfn_flownets_flyingchairs', 'lsdfn_flownetc_flyingchairs'), QUARTER),
    **dict.fromkeys(('dff_pspnet_r50_cityscapes', 'dff_pspnet_r101_cityscapes', 'dff_pspnet_r50_vspw'), DFF),
    **dict.fromkeys(('dff_deeplabv3_r101_cityscapes', 'lsdfn_dff_pspnet_r50_cityscapes'), DFF),
    'pspnet_r50_vspw': FRAMES,
    **dict.fromkeys(('pspnet_r50_cityscapes', 'pspnet_r101_cityscapes', 'deeplabv3_r101_cityscapes'), MMSEG),
    'lsdfn_fcn_r50_cityscapes': MMSEG,
    **dict.fromkeys(('dff_pspnet_r18_small_data', 'flownets_small_data'), SMALL),
    **dict.fromkeys(('deeplabv2_r101_voc', 'lsdfn_deeplabv2_r101_voc'), DEEPLAB),
}


@pytest.mark.parametrize('stem', DENSE_RECIPES)
def test_rate_and_decay_of_every_parameter(stem):
    recipe, config = DENSE_RECIPES[stem], load(f'{stem}.py')
    init_default_scope(config.default_scope)
    with torch.device('meta'):
        model = MODELS.build(config.model)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    assert type(wrapper.optimizer).__name__ == recipe.optimizer
    groups = {id(param): group for group in wrapper.optimizer.param_groups for param in group['params']}
    parameters = dict(model.named_parameters())
    assert len(groups) == len(parameters)
    for name, param in parameters.items():
        group = groups[id(param)]
        assert group['lr'] == pytest.approx(recipe.rate * (10 if name.startswith(recipe.fast) else 1)), name
        keeps = name.endswith('.bias') and not recipe.bias_decay
        assert group['weight_decay'] == (0 if keeps else recipe.decay), name
        if recipe.optimizer in ('Adam', 'AdamW'):
            assert group['betas'] == (0.9, 0.999)
        else:
            assert (group['momentum'], group['nesterov']) == (0.9, False)
    assert not config.optim_wrapper.get('clip_grad')
    assert config.train_dataloader.batch_size == recipe.batch
    assert config.auto_scale_lr == dict(enable=False, base_batch_size=recipe.total)


@pytest.mark.parametrize('stem', DENSE_RECIPES)
def test_schedule(stem):
    recipe, config = DENSE_RECIPES[stem], load(f'{stem}.py')
    assert config.train_cfg.max_iters == recipe.iterations
    parts = config.param_scheduler if isinstance(config.param_scheduler, list) else [config.param_scheduler]
    if recipe == SMALL:
        assert [(one.type, one.begin, one.end) for one in parts] == SMALL_SCHEDULE
        return
    (part,) = parts
    assert not part.by_epoch
    if recipe.steps:
        assert (part.type, tuple(part.milestones), part.gamma) == ('MultiStepLR', recipe.steps, recipe.factor)
        return
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = PARAM_SCHEDULERS.build(dict(part), default_args=dict(optimizer=optimizer))
    for done in range(1, 1001):
        optimizer.step()
        scheduler.step()
        low = part.eta_min
        wanted = (1 - low) * (1 - done / recipe.iterations) ** 0.9 + low
        assert optimizer.param_groups[0]['lr'] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize('stem', [stem for stem, one in DENSE_RECIPES.items() if 'flownet' in stem and one != SMALL])
def test_augmentation_of_flow(stem):
    _, color, gamma, noise, *flips, affine, crop, _ = load(f'{stem}.py').train_pipeline
    assert [color[key] for key in ('brightness', 'contrast', 'saturation', 'hue')] == [0.5] * 4
    assert (tuple(gamma.gamma_range), tuple(noise.sigma_range)) == ((0.7, 1.5), (0.0, 0.04))
    assert [(flip.direction, flip.prob) for flip in flips] == [('horizontal', 0.5), ('vertical', 0.5)]
    assert affine.shared == dict(translate=0.05, zoom=(1.0, 1.5), stretch=(0.86, 1.16), rotate=10)
    assert affine.relative == dict(translate=0.00375, zoom=(0.985, 1.015), rotate=1)
    assert tuple(crop.crop_size) == ((384, 768) if 'sintel' in stem else (384, 448))


@pytest.mark.parametrize('stem', [stem for stem in DENSE_RECIPES if 'dff' in stem])
def test_key_frames_of_deep_feature_flow(stem):
    """0 to 9 frames before the labeled one in training, every fifth frame (that of the paper) in a test."""
    config = load(f'{stem}.py')
    (sample,) = (step for step in config.train_pipeline if step.type == 'mmvidext.SampleKeyFrame')
    assert tuple(sample.distance) == (0, 9)
    assert config.model.key_frame_interval == 5


def test_deeplabv2_freezes_its_norms():
    for stem in ('deeplabv2_r101_voc', 'lsdfn_deeplabv2_r101_voc'):
        assert load(f'{stem}.py').model.backbone.norm_eval
