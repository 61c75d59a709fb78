"""The official recipes: rate and decay of every parameter group, the schedule, frozen norms, augmentation, test views.

Sources. TSM: README and scripts/ of mit-han-lab/temporal-shift-module, its paper for dense sampling. MotionSqueeze:
scripts/ of arunos728/MotionSqueeze. TIN: README of deepcs233/TIN. VMZ: c2/scripts of facebookresearch/VMZ; which of its
parameters decay is said by caffe2/python/helpers/normalization.py (the scale of a norm is a weight). P3D has no script:
its port's numbers for UCF101, VMZ's passes for Kinetics. What differs on purpose is in docs/compatibility.md and marked
here. Flow and segmentation: test_dense_recipes.py.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, PARAM_SCHEDULERS, TRANSFORMS, init_default_scope
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tests.configs.paths import PAPER, load, name
from tests.configs.test_dense_recipes import DENSE_RECIPES

EPOCH = 20  # iterations of an epoch in these tests
# (rate, decay) of each kind of parameter, as multiples of the common ones
TSM_GROUPS = dict(weight=(1, 1), bias=(2, 0), norm=(1, 0), norm_bias=(1, 0), classifier=(5, 1), classifier_bias=(10, 0))
MS_GROUPS = {**TSM_GROUPS, 'classifier': (1, 1), 'classifier_bias': (2, 0)}  # its classifier is a convolution
VMZ_GROUPS = dict(weight=(1, 1), bias=(1, 0), norm=(1, 1), norm_bias=(1, 0), classifier=(1, 1), classifier_bias=(1, 0))


@dataclass
class Recipe:
    """What an official script says."""

    rate: float
    batch: int
    decay: float
    epochs: int
    steps: tuple[int, ...]
    groups: dict[str, tuple[float, float]]
    clip: float | None
    dropout: float
    nesterov: bool = False
    partial_bn: bool = False
    drop_last: bool = True  # where a data set may be smaller than a batch, the rest of it is a batch


TSM_STH = Recipe(0.01, 64, 5e-4, 50, (20, 40), TSM_GROUPS, 20, 0.5)
TSM_K400 = Recipe(0.02, 128, 1e-4, 50, (20, 40), TSM_GROUPS, 20, 0.5)
TSM_DENSE = Recipe(0.02, 128, 1e-4, 100, (40, 80), TSM_GROUPS, 20, 0.5)
TSM_UCF = Recipe(0.001, 64, 5e-4, 25, (10, 20), TSM_GROUPS, 20, 0.8, partial_bn=True)
MS_STH = Recipe(0.01, 48, 5e-4, 40, (20, 30), MS_GROUPS, 200, 0.5, nesterov=True)
MS_K400 = Recipe(0.02, 96, 1e-4, 75, (30, 60), MS_GROUPS, 20, 0.5)
TIN_STH = Recipe(0.02, 48, 5e-4, 40, (), TSM_GROUPS, 20, 0.8, partial_bn=True)
TIN_K400 = TIN_STH  # deviation: it has no script
# deviation: ours, for a few hundred videos
SMALL = Recipe(0.02, 8, 5e-4, 40, (26, 36), MS_GROUPS, 200, 0.5, nesterov=True, drop_last=False)
SMALL_CLIPS = replace(SMALL, dropout=0.0)
SMALL_TSM = Recipe(0.02, 8, 5e-4, 40, (26, 36), TSM_GROUPS, 20, 0.5, drop_last=False)
P3D_GROUPS = dict.fromkeys(TSM_GROUPS, (1, 1))
P3D_K400 = Recipe(0.04, 128, 1e-4, 145, (42, 83, 125), P3D_GROUPS, 40, 0.5)
P3D_UCF = Recipe(0.001, 128, 1e-4, 100, (40, 80), P3D_GROUPS, 40, 0.5)
VMZ_K400 = Recipe(0.08, 256, 1e-4, 145, (42, 83, 125), VMZ_GROUPS, None, 0.0, nesterov=True)
VMZ_32F = Recipe(0.01, 32, 1e-4, 145, (42, 83, 125), VMZ_GROUPS, None, 0.0, nesterov=True)
VMZ_HMDB = Recipe(1.6e-3, 32, 0.005, 90, (22, 45, 67), VMZ_GROUPS, None, 0.0, nesterov=True)
VMZ_UCF = Recipe(8e-4, 32, 0.005, 84, (21, 42, 63), VMZ_GROUPS, None, 0.0, nesterov=True)
KINETICS_18 = [f'{kind}_r18_k400' for kind in ('f_r2d', 'r2d', 'r3d', 'r2plus1d', 'r2plus1d_tv')]
KINETICS_18 += [f'{kind}{stage}_r18_k400' for kind in ('mc', 'rmc') for stage in (2, 3, 4, 5)]
RECIPES = {
    **dict.fromkeys(('tsm_r50_sthv1', 'tsm_r50_sthv2', 'tsm_r18_sthv2', 'tsm_r50_16f_sthv2'), TSM_STH),
    'tsm_r50_sthv2_fsdp': TSM_STH,
    **dict.fromkeys(('tsm_causal_r50_sthv1', 'tsm_causal_r50_sthv2', 'lsdfn_tsm_r50_sthv2'), TSM_STH),
    **dict.fromkeys(('tsn_r18_sthv2', 'tsn_r50_sthv2'), TSM_STH),  # the baselines, trained as TSM is
    **dict.fromkeys(('tsm_r50_k400', 'tsm_causal_r50_k400', 'tsm_causal_mobilenet_v2_jester'), TSM_K400),
    **dict.fromkeys(('tsm_r50_dense_k400', 'tsm_mobilenet_v2_k400', 'tsm_causal_mobilenet_v2_k400'), TSM_DENSE),
    **dict.fromkeys(('tsm_r50_ucf101', 'tsm_r50_hmdb51', 'tsm_causal_r50_ucf101', 'tsm_causal_r50_hmdb51'), TSM_UCF),
    **dict.fromkeys(('ms_tsm_r50_sthv1', 'ms_tsm_r50_sthv2', 'ms_tsm_r18_sthv1', 'ms_tsm_r18_sthv2'), MS_STH),
    'ms_tsm_r50_16f_sthv2': MS_STH,
    'ms_tsm_r50_k400': MS_K400,
    **dict.fromkeys(('tsn_r18_small_data', 'tsm_r18_small_data'), SMALL_TSM),
    **dict.fromkeys(('ms_tsm_r18_small_data', 'ms_tsm_r50_small_data', 'tsm_r50_small_data'), SMALL),
    'tsm_causal_mobilenet_v2_small_data': SMALL,
    'r2plus1d_r18_small_data': SMALL_CLIPS,
    **dict.fromkeys(('tin_r50_sthv1', 'tin_r50_sthv2'), TIN_STH),
    'tin_r50_k400': TIN_K400,
    **dict.fromkeys(KINETICS_18, VMZ_K400),
    **dict.fromkeys(('r2plus1d_r34_32f_k400', 'r2plus1d_r152_32f_k400'), VMZ_32F),
    'r2plus1d_r34_32f_hmdb51': VMZ_HMDB,
    'r2plus1d_r34_32f_ucf101': VMZ_UCF,
    'p3d_r152_k400': P3D_K400,
    'p3d_r152_ucf101': P3D_UCF,
}


def test_every_config_has_a_recipe():
    pytest.importorskip('mmdet')
    from tests.configs.test_detection_recipes import LSDFN, MMTRACKING, OFFICIAL

    shipped = {'tsm_causal_r18_camera_motion'}  # AdamW, a recipe of ours
    recipes = {*RECIPES, *DENSE_RECIPES, *OFFICIAL, *MMTRACKING, *LSDFN}
    assert {name(path) for path in PAPER} == recipes | shipped


def kind(module, name, *, is_classifier):
    """Return which group of the recipe a parameter belongs to."""
    if is_classifier:
        return 'classifier' if name == 'weight' else 'classifier_bias'
    if isinstance(module, _BatchNorm):
        return 'norm' if name == 'weight' else 'norm_bias'
    return name


@pytest.mark.parametrize('stem', RECIPES)
def test_rate_and_decay_of_every_parameter(stem):
    recipe, config = RECIPES[stem], load(f'{stem}.py')
    init_default_scope(config.default_scope)
    with torch.device('meta'):
        model = MODELS.build(config.model)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    groups = {id(param): group for group in wrapper.optimizer.param_groups for param in group['params']}
    parameters = [
        (module, own, param)
        for module in model.modules()
        for own, param in module.named_parameters(recurse=False)
        if param.requires_grad  # norms that are frozen are in no group
    ]
    assert parameters
    for module, own, param in parameters:
        rate, decay = recipe.groups[kind(module, own, is_classifier=module is model.cls_head.fc_cls)]
        group = groups[id(param)]
        assert group['lr'] == pytest.approx(recipe.rate * rate)
        assert group['weight_decay'] == pytest.approx(recipe.decay * decay)
        assert (group['momentum'], group['nesterov']) == (0.9, recipe.nesterov)
    assert len(groups) == len(parameters)
    clip = config.optim_wrapper.get('clip_grad')
    assert (clip and clip.max_norm) == recipe.clip
    assert config.model.cls_head.dropout_ratio == recipe.dropout
    assert config.auto_scale_lr.base_batch_size == recipe.batch
    assert config.train_dataloader.get('drop_last', False) == recipe.drop_last


@pytest.mark.parametrize('stem', RECIPES)
def test_norms_that_are_trained(stem):
    config = load(f'{stem}.py')
    init_default_scope(config.default_scope)
    with torch.device('meta'):
        model = MODELS.build(config.model).train()
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    frozen = norms[1:] if RECIPES[stem].partial_bn else []
    for norm in norms:
        assert norm.training == norm.weight.requires_grad == norm.bias.requires_grad == (norm not in frozen)


def rates(config):
    """Return the rate at each iteration as a fraction of the first group's."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedulers = []
    for part in config.param_scheduler:
        part = dict(part)
        if part.pop('convert_to_iter_based', False):
            schedulers.append(
                (PARAM_SCHEDULERS.get(part.pop('type')).build_iter_from_epoch(optimizer, epoch_length=EPOCH, **part), 1)
            )
        else:
            schedulers.append((PARAM_SCHEDULERS.build(part, default_args=dict(optimizer=optimizer)), EPOCH))
    found = []
    for iteration in range(config.train_cfg.max_epochs * EPOCH):
        found.append(optimizer.param_groups[0]['lr'])
        for scheduler, every in schedulers:
            if (iteration + 1) % every == 0:
                scheduler.step()
    return np.array(found)


@pytest.mark.parametrize('stem', [stem for stem, recipe in RECIPES.items() if recipe.steps])
def test_steps(stem):
    recipe, found = RECIPES[stem], rates(load(f'{stem}.py'))
    assert len(found) == recipe.epochs * EPOCH
    for epoch in range(recipe.epochs):
        passed = sum(epoch >= step for step in recipe.steps)
        assert found[epoch * EPOCH : (epoch + 1) * EPOCH] == pytest.approx(0.1**passed)


@pytest.mark.parametrize('stem', [stem for stem, recipe in RECIPES.items() if not recipe.steps])
def test_tin_warms_up_for_one_epoch_then_follows_a_cosine(stem):
    found = rates(load(f'{stem}.py'))
    assert len(found) == 40 * EPOCH
    epochs = np.arange(40 * EPOCH) / EPOCH
    cosine = 0.5 * (1 + np.cos(np.pi * (epochs - 1) / 39))
    assert found[EPOCH:] == pytest.approx(cosine[EPOCH:], abs=1e-3)
    # the official warm-up reaches the full rate with the first iteration of the second epoch, mmengine's one before
    assert found[:EPOCH] == pytest.approx(0.1 + 0.9 * epochs[:EPOCH], abs=0.05)


def steps_of(stem, split, kind_of_step):
    return [step for step in load(f'{stem}.py')[f'{split}_pipeline'] if step.type == kind_of_step]


@pytest.mark.parametrize(
    ('stem', 'train', 'test', 'views', 'averages'),
    [
        ('tsm_r50_sthv2', 'SampleFrames', 'SampleFrames', 1, 'score'),
        ('tsm_r50_k400', 'SampleFrames', 'SampleFrames', 1, 'score'),
        ('tsm_r50_dense_k400', 'DenseSampleFrames', 'DenseSampleFrames', 30, 'score'),
        ('tsm_r50_ucf101', 'SampleFrames', 'SampleFrames', 6, 'score'),
        ('ms_tsm_r50_k400', 'DenseSampleFrames', 'DenseSampleFrames', 30, 'score'),
        ('tin_r50_sthv2', 'SampleFrames', 'SampleFrames', 1, 'prob'),
        ('tin_r50_k400', 'SampleFrames', 'SampleFrames', 1, 'prob'),
        ('r2plus1d_r18_k400', 'SampleFrames', 'SampleFrames', 10, 'prob'),
    ],
)
def test_sampling_and_views(stem, train, test, views, averages):
    assert len(steps_of(stem, 'train', train)) == 1
    (sample,) = steps_of(stem, 'test', test)
    clips = (
        10
        if test.startswith('Dense')
        else 2
        if sample.get('twice_sample')
        else sample.num_clips
        if sample.clip_len > 1
        else 1
    )
    crops = 3 if steps_of(stem, 'test', 'ThreeCrop') else 1
    assert clips * crops == views
    assert load(f'{stem}.py').model.cls_head.average_clips == averages


def test_tsm_crops():
    (step,) = steps_of('tsm_r50_sthv2', 'train', 'MultiScaleCrop')
    crop = TRANSFORMS.build({**step, 'type': 'mmaction.MultiScaleCrop'})
    assert tuple(crop.scales) == (1, 0.875, 0.75, 0.66)
    assert (crop.num_fixed_crops, crop.max_wh_scale_gap, crop.random_crop) == (13, 1, False)
    assert crop.input_size == (224, 224)


@pytest.mark.parametrize('stem', ['tsm_r50_sthv2', 'ms_tsm_r50_sthv2', 'tin_r50_sthv1'])
def test_flips_of_something_something_swap_the_six_classes(stem):
    """Deviation: TSM and TIN do not flip there, MotionSqueeze flips all but these classes."""
    (flip,) = steps_of(stem, 'train', 'Flip')
    assert flip.flip_ratio == 0.5
    assert dict(flip.flip_label_map) == {86: 87, 87: 86, 93: 94, 94: 93, 166: 167, 167: 166}


@pytest.mark.parametrize(
    ('stem', 'inputs'), [('ms_tsm_r50_sthv2', 2048), ('ms_tsm_r18_sthv1', 512), ('ms_tsm_r50_k400', 2048)]
)
def test_classifier_of_motion_squeeze_starts_with_the_deviation_of_xavier(stem, inputs):
    config = load(f'{stem}.py')
    assert config.model.cls_head.init_std == pytest.approx((2 / (inputs + config.num_classes)) ** 0.5, rel=0.01)


@pytest.mark.parametrize('stem', ['r2plus1d_r18_k400', 'r2plus1d_r34_32f_hmdb51'])
def test_vmz_resizes_to_one_of_two_sides(stem):
    config = load(f'{stem}.py')
    init_default_scope(config.default_scope)
    (choice,) = steps_of(stem, 'train', 'RandomChoice')
    transform = TRANSFORMS.build(choice)
    np.random.seed(0)
    frame = np.zeros((240, 320, 3), np.uint8)
    shapes = {
        transform(dict(imgs=[frame, frame], img_shape=(240, 320), modality='RGB'))['imgs'][0].shape[:2]
        for _ in range(20)
    }
    assert shapes == {(128, 171), (160, 213)}
    assert steps_of(stem, 'train', 'RandomCrop')[0].size == 112


def test_flownet_adds_noise_before_it_moves_anything():
    for stem in ('flownets_flyingchairs', 'flownetc_sintel'):
        types = [step.type.removeprefix('mmvidext.FlowPair') for step in load(f'{stem}.py').train_pipeline]
        assert types[1:-1] == ['ColorJitter', 'Gamma', 'Noise', 'Flip', 'Flip', 'Affine', 'Crop']
