"""Keys that no class takes are named before anything is built, and no shipped config is accused."""

import importlib.util
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

pytest.importorskip('mmaction')

from mmvidext.cli.config import load_config
from mmvidext.cli.config_names import ConfigError
from mmvidext.cli.train import train
from mmvidext.cli.unknown_keys import check_component_keys
from mmvidext.datasets.sthv2_preparation import prepare_sthv2
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2
from tests.cli.invoke import invoke
from tests.configs.paths import CONFIGS, DEMO, PAPER, name

CONFIG = CONFIGS / 'demo' / 'ms_tsm_r18_demo.py'


def shipped(package, every):
    """Every so many of the configs that a toolbox ships."""
    spec = importlib.util.find_spec(package)
    root = Path(spec.submodule_search_locations[0]) / '.mim' / 'configs'
    paths = sorted(path for path in root.rglob('*.py') if '_base_' not in path.parts)
    assert len(paths) > 100
    return paths[::every]


def changed(**parts):
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict(parts, allow_list_keys=True)
    return cfg


@pytest.fixture
def warned(monkeypatch):
    """The warnings about keys, and no others."""
    lines = []

    def keep(self, level, line, *args):
        if 'nothing reads' in line:
            lines.append(line)

    monkeypatch.setattr(MMLogger, 'log', keep)
    return lines


@pytest.mark.parametrize('path', [*PAPER, *DEMO], ids=name)
def test_our_configs_have_no_key_that_nothing_reads(path, warned):
    assert check_component_keys(load_config(path)) == []
    assert warned == []


@pytest.mark.parametrize('path', [*shipped('mmaction', 14), *shipped('mmseg', 40)], ids=lambda path: path.stem)
def test_configs_of_the_toolboxes_are_accepted(path):
    try:
        cfg = load_config(path)
    except ConfigError as error:
        if 'ImportError' in str(error):
            pytest.skip('needs a package that is not installed')
        raise
    # AudioDataset drops `suffix`, and one config has an `io_backend` of DecordInit in the wrong step
    assert [
        line for line in check_component_keys(cfg) if not line.split(' (')[0].endswith(('.suffix', '.io_backend'))
    ] == []


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        ('param_scheduler.0.type', 'LinearRL', r'no param_scheduler\.0\.type LinearRL; did you mean LinearLR\?'),
        ('optim_wrapper.optimizer.type', 'AdmW', r'no optim_wrapper\.optimizer\.type AdmW; did you mean AdamW\?'),
        ('default_hooks.checkpoint.intervall', 1, r'default_hooks\.checkpoint\.intervall; did you mean interval\?'),
        ('default_hooks.logger.intervl', 1, r'default_hooks\.logger\.intervl; did you mean interval\?'),
        ('default_hooks.non_finite.max_in_row', 1, r'non_finite\.max_in_row; did you mean max_in_a_row\?'),
        ('default_hooks.timer.zzz', 1, r'default_hooks\.timer\.zzz \(IterTimerHook takes no argument\)'),
        ('train_dataloader.dataset.anno_file', 'x', r'train_dataloader\.dataset\.anno_file; did you mean ann_file\?'),
        ('val_dataloader.dataset.zzz', 1, r'val_dataloader\.dataset\.zzz \(SthV2Dataset takes ann_file'),
        ('train_dataloader.dataset.pipeline.3.scales', 1, r'pipeline\.3\.scales; did you mean scale\?'),
        ('train_dataloader.sampler.shufle', True, r'train_dataloader\.sampler\.shufle; did you mean shuffle\?'),
        ('val_evaluator.metric_lst', 1, r'val_evaluator\.metric_lst; did you mean metric_list\?'),
        ('param_scheduler.0.eta_mx', 1, r'param_scheduler\.0\.eta_mx; did you mean eta_max\?'),
        ('model.backbone.depht', 1, r'model\.backbone\.depht; did you mean depth\?'),
        ('model.backbone.frozen_stage', 1, r'model\.backbone\.frozen_stage; did you mean frozen_stages\?'),
        ('model.cls_head.num_clases', 1, r'model\.cls_head\.num_clases; did you mean num_classes\?'),
        ('model.data_preprocessor.means', 1, r'model\.data_preprocessor\.means; did you mean mean\?'),
        ('model.test_cfg.max_testing_view', 1, r'model\.test_cfg\.max_testing_view; did you mean max_testing_views\?'),
        ('optim_wrapper.accumulative_count', 1, r'accumulative_count; did you mean accumulative_counts\?'),
        ('optim_wrapper.optimizer.weight_decai', 1, r'optimizer\.weight_decai; did you mean weight_decay\?'),
        ('optim_wrapper.clip_grad.max_nrm', 1, r'clip_grad\.max_nrm; did you mean max_norm\?'),
        ('optim_wrapper.paramwise_cfg.bias_lr_mul', 1, r'paramwise_cfg\.bias_lr_mul; did you mean bias_lr_mult\?'),
        ('train_cfg.max_epoch', 1, r'train_cfg\.max_epoch; did you mean max_epochs\?'),
        ('val_cfg.fp61', True, r'val_cfg\.fp61; did you mean fp16\?'),
        ('train_dataloader.num_worker', 1, r'train_dataloader\.num_worker; did you mean num_workers\?'),
        ('test_dataloader.zzz', 1, r'test_dataloader\.zzz \(test_dataloader takes dataset, batch_size'),
        ('randomness.sed', 1, r'randomness\.sed; did you mean seed\?'),
        ('auto_scale_lr.enabled', True, r'auto_scale_lr\.enabled; did you mean enable\?'),
        ('log_processor.window_sizes', 1, r'log_processor\.window_sizes; did you mean window_size\?'),
        ('env_cfg.dist_cfg.timout', 60, r'env_cfg\.dist_cfg\.timout; did you mean timeout\?'),
        ('env_cfg.dist_cfg.zzz', 60, r'env_cfg\.dist_cfg\.zzz \(env_cfg\.dist_cfg takes port, launcher, backend'),
        ('env_cfg.mp_cfg.mp_start_metod', 'fork', r'mp_cfg\.mp_start_metod; did you mean mp_start_method\?'),
        (
            'model.backbone.norm_cfg',
            dict(type='BN', require_grad=True),
            r'backbone\.norm_cfg\.require_grad; did you mean requires_grad\?',
        ),
        ('model.backbone.norm_cfg', dict(type='BN', momentun=0.9), r'norm_cfg\.momentun; did you mean momentum\?'),
        ('model.backbone.conv_cfg', dict(type='Conv2d', bais=True), r'conv_cfg\.bais; did you mean bias\?'),
        ('model.backbone.act_cfg', dict(type='ReLU', inplase=True), r'act_cfg\.inplase; did you mean inplace\?'),
        (
            'model.backbone.init_cfg',
            [dict(type='Kaiming', layer='Conv2d'), dict(type='Constant', val=1, layers='BatchNorm2d')],
            r'init_cfg\.1\.layers; did you mean layer\?',
        ),
        (
            'model.backbone.init_cfg',
            dict(type='Normal', std=0.01, override=dict(type='Constant', name='fc', val=1), overide=1),
            r'init_cfg\.overide; did you mean override\?',
        ),
        ('visualizer.vis_backend', [], r'visualizer\.vis_backend; did you mean vis_backends\?'),
    ],
)
def test_a_key_that_no_class_takes(place, value, message):
    with pytest.raises(ConfigError, match=message) as error:
        check_component_keys(changed(**{place: value}))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('place', 'value', 'near'),
    [
        ('default_hooks.checkpoint.type', 'CheckpointHok', 'CheckpointHook'),
        ('custom_hooks', [dict(type='mmvidext.NonFiniteHok')], 'mmvidext.NonFiniteHook'),
        ('train_dataloader.dataset.type', 'VideoDatset', 'VideoDataset'),
        ('train_dataloader.dataset.pipeline.1.type', 'SampleFrame', 'SampleFrames'),
        ('train_dataloader.sampler.type', 'DefaultSmpler', 'DefaultSampler'),
        ('val_evaluator.type', 'AccMetrc', 'AccMetric'),
        ('optim_wrapper.type', 'OptimWraper', 'OptimWrapper'),
        ('optim_wrapper.optimizer.type', 'Adaam', 'Adam'),
        ('train_cfg.type', 'EpochBasedTrainLop', 'EpochBasedTrainLoop'),
        ('model.cls_head.type', 'TSMHed', 'TSMHead'),
        ('model.backbone.type', 'mmvidext.TSMResNt', 'mmvidext.TSMResNet'),
        ('model.backbone.type', 'MSResNet', 'mmvidext.MSResNet'),
        ('model.backbone.norm_cfg', dict(type='SyncBNN'), 'SyncBN'),
        ('model.backbone.init_cfg', [dict(type='Kaimin', layer='Conv2d')], 'Kaiming'),
        ('visualizer.vis_backends.0.type', 'LocalVisBacend', 'LocalVisBackend'),
    ],
)
def test_a_class_that_is_not_there(place, value, near):
    where = place.removesuffix('.type')
    with pytest.raises(ConfigError, match=rf'there is no {where}\S*\.type \S+; did you mean {near}\?$'):
        check_component_keys(changed(**{place: value}))


def test_a_class_of_another_kind_or_of_a_package_is_left_to_who_builds_it():
    """A normalization in the place of an activation has a name, a path can be imported later, nothing is like Zzz."""
    for place, value in (
        ('model.backbone.act_cfg.type', 'SyncBN'),
        ('custom_hooks', [dict(type='my_package.hooks.NonFiniteHok')]),
        ('custom_hooks', [dict(type='Zzz')]),
        ('model.cls_head', dict(type='TSMHed', _scope_='mmseg')),
    ):
        assert check_component_keys(changed(**{place: value})) == []


def test_a_key_that_a_class_drops_in_silence():
    """mmaction2's SampleFrames takes any name, and uses only its own."""
    with pytest.raises(ConfigError, match=r'pipeline\.1\.num_clip; did you mean num_clips\?'):
        check_component_keys(changed(**{'train_dataloader.dataset.pipeline.1.num_clip': 8}))
    (line,) = check_component_keys(changed(**{'train_dataloader.dataset.pipeline.1.zzz': 8}))
    assert 'nothing reads train_dataloader.dataset.pipeline.1.zzz (SampleFrames takes clip_len' in line


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (
            'train_dataloader.sampler.shuffle',
            'Flase',
            "sampler.shuffle must be True or False, not 'Flase'",
        ),
        ('train_dataloader.persistent_workers', 'off', "persistent_workers must be True or False, not 'off'"),
        ('default_hooks.checkpoint.save_last', 'no', "save_last must be True or False, not 'no'"),
        (
            'optim_wrapper.paramwise_cfg',
            dict(custom_keys=dict(backbone=dict(lr_mul=0.1))),
            'custom_keys.backbone.lr_mul; did you mean lr_mult?',
        ),
        (
            'train_dataloader.dataset',
            dict(type='mmaction.VideoDataset', ann_file='x', pipeline=[], data_prefix=dict(vidoe='x')),
            'dataset.data_prefix.vidoe; did you mean video?',
        ),
        (
            'val_evaluator',
            dict(type='mmaction.AccMetric', metric_options=dict(top_k_accuracy=dict(topks=(1, 5)))),
            'metric_options.top_k_accuracy.topks; did you mean topk?',
        ),
    ],
)
def test_a_value_that_is_none_of_those_that_a_class_takes(place, value, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_component_keys(changed(**{place: value}))


def test_values_that_only_look_wrong():
    """Settings of the optimizer, a metric that is not in the default, and a word in the place of True."""
    for place, value in (
        ('optim_wrapper.paramwise_cfg', dict(custom_keys=dict(backbone=dict(weight_decay=0.1, lr_mult=2)))),
        ('val_evaluator.metric_options', dict(mean_class_accuracy=dict())),
        ('train_dataloader.dataset.data_prefix', dict(zzz='x')),
    ):
        assert check_component_keys(changed(**{place: value})) == []
    neck = dict(type='FPN', in_channels=[8], out_channels=8, num_outs=5, add_extra_convs='on_input')
    assert check_component_keys(Config(dict(default_scope='mmseg', model=dict(type='EncoderDecoder', neck=neck)))) == []


def test_the_settings_of_a_segmentor():
    cfg = Config.fromfile(CONFIGS / 'demo' / 'pspnet_r18_demo.py')
    cfg.merge_from_dict({'model.test_cfg': dict(mode='whole')})
    assert check_component_keys(cfg) == []
    cfg.model.test_cfg.xyzzy = 1
    (line,) = check_component_keys(cfg)
    assert 'nothing reads model.test_cfg.xyzzy (the model takes ' in line
    cfg.model.test_cfg = dict(mode='slide', crop_sizes=(8, 8), stride=(4, 4))
    with pytest.raises(ConfigError, match=r'model\.test_cfg\.crop_sizes; did you mean crop_size\?'):
        check_component_keys(cfg)
    cfg.model.test_cfg = dict(mode='whole')
    cfg.model.decode_head.loss_decode.loss_weigth = 0.4
    with pytest.raises(ConfigError, match=r'decode_head\.loss_decode\.loss_weigth; did you mean loss_weight\?'):
        check_component_keys(cfg)


def test_nested_steps_and_wrapped_data_sets():
    cfg = Config(
        dict(
            default_scope='mmseg',
            train_dataloader=dict(
                dataset=dict(
                    type='RepeatDataset',
                    times=2,
                    dataset=dict(
                        type='mmvidext.CityscapesVideoDataset',
                        pipeline=[
                            dict(
                                type='mmvidext.ClipTransform',
                                transforms=[dict(type='RandomFlip', prob=0.5), dict(type='RandomCrop', crop_sizes=3)],
                            )
                        ],
                    ),
                )
            ),
        )
    )
    with pytest.raises(ConfigError, match=r'dataset\.dataset\.pipeline\.0\.transforms\.1\.crop_sizes; did you mean'):
        check_component_keys(cfg)


def test_a_top_level_key_of_the_config_itself_is_a_warning(tmp_path, warned):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = '{CONFIG}'\nmy_value = 3\nused = 4\nmodel = dict(cls_head=dict(dropout_ratio=used))\n")
    load_config(path)
    assert warned == [f'{path}: nothing reads my_value']


def test_a_key_that_an_option_adds_is_a_warning(warned):
    load_config(CONFIG, ['+zzz=1', '+mine.own=2', '+train_dataloader.drop_last=True'])
    assert warned == [f'{CONFIG}: nothing reads zzz, mine']


def test_a_key_of_a_base_of_ones_own_is_a_warning(tmp_path, warned):
    """What the configs of the toolboxes had before: mmaction2 1.0 reads none of it."""
    (tmp_path / 'base.py').write_text(f"_base_ = '{CONFIG}'\nlr_config = dict(policy='step')\ntotal_epochs = 3\n")
    (tmp_path / 'mine.py').write_text("_base_ = './base.py'\n")
    load_config(tmp_path / 'mine.py')
    assert warned == [f'{tmp_path / "mine.py"}: nothing reads lr_config, total_epochs']


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """The options that lead to a few generated clips."""
    root = tmp_path_factory.mktemp('sthv2')
    write_sthv2(root, num_train=4, num_val=2, size=(32, 32), num_frames=8, travel_only=True)
    prepare_sthv2(root, workers=0)
    return [
        f'{split}_dataloader.{key}={value}'
        for split, ann in (('train', 'train'), ('val', 'val'))
        for key, value in (
            ('dataset.ann_file', f'{root}/sthv2_{ann}_list_videos.txt'),
            ('dataset.data_prefix.video', f'{root}/videos'),
            ('num_workers', 0),
            ('persistent_workers', False),
        )
    ]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['+default_hooks.checkpoint.intervall=1'], 'did you mean interval'),
        (['train_cfg.max_epochs=three'], 'invalid literal for int'),
        (['model.backbone.depth=19'], '19'),
        (['+model.backbone.depht=18'], 'nothing reads model.backbone.depht; did you mean depth?'),
        (['+load_frm=x.pth'], 'nothing reads load_frm; did you mean load_from?'),
        (['optim_wrapper.optimizer.lr=fast'], 'TypeError'),
        (['train_dataloader.dataset.ann_file=nothing.txt'], 'nothing.txt'),
        (
            ['train_dataloader.batch_size=64', '+train_dataloader.drop_last=True'],
            'train_dataloader.batch_size=64 and drop_last=True, but the data set has 4 samples',
        ),
    ],
)
def test_the_command_ends_with_one_line(options, message, data, tmp_path):
    output = invoke(train, CONFIG, '--work-dir', tmp_path, '--cfg-options', *data, *options, status=None)
    assert 'Traceback' not in output
    assert message in output.strip().splitlines()[-1]


def test_a_hook_that_was_to_replace_one_of_mmengine():
    cfg = changed(**{'default_hooks.chekpoint': dict(type='CheckpointHook')})
    (line,) = check_component_keys(cfg)
    assert line.endswith('default_hooks.chekpoint is one more hook beside those of mmengine; did you mean checkpoint?')
