"""Keys that no class takes are named before anything is built, and no shipped config is accused."""

import importlib.util
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
    ],
)
def test_a_key_that_no_class_takes(place, value, message):
    with pytest.raises(ConfigError, match=message) as error:
        check_component_keys(changed(**{place: value}))
    assert '\n' not in str(error.value)


def test_a_key_that_a_class_drops_in_silence():
    """mmaction2's SampleFrames takes any name, and uses only its own."""
    with pytest.raises(ConfigError, match=r'pipeline\.1\.num_clip; did you mean num_clips\?'):
        check_component_keys(changed(**{'train_dataloader.dataset.pipeline.1.num_clip': 8}))
    (line,) = check_component_keys(changed(**{'train_dataloader.dataset.pipeline.1.zzz': 8}))
    assert 'nothing reads train_dataloader.dataset.pipeline.1.zzz (SampleFrames takes clip_len' in line


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
        (['+model.backbone.depht=18'], "unexpected keyword argument 'depht'"),
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
