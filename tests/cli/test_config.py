"""Configs by name, options that reach everything built from a variable, and errors in one line."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmvidext.cli.config import ConfigError, load_config
from mmvidext.cli.config_chain import read_config_file
from mmvidext.cli.late_variables import late_variables

BASE = """\
sizes = (8, 6)  # height, width
height, width = sizes
crop = [height]; root = 'data/'
if height > 7:
    steps = 2
else:
    steps = 3
pipeline = [dict(type='Resize', scale=(
    sizes), note='é'), dict(type='Flip')]
train_dataloader = dict(
    batch_size=2,
    dataset=dict(pipeline=pipeline, root=root + 'train', crop=crop, steps=steps),
)
switch = True
env_cfg = dict(cudnn_benchmark=switch and False)
"""
TOP = """\
_base_ = ['./base.py']
sizes = (4, 2)
name = '{{ fileBasenameNoExtension }} in {{ fileDirname }}'
steps_of = [number for number in range(3)]
val_dataloader = dict(dataset=dict(sizes=sizes, steps=steps_of, pipeline=_base_.pipeline, root={{ _base_.root }}))
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'base.py').write_text(BASE, encoding='utf-8')
    (tmp_path / 'top.py').write_text(TOP)
    return tmp_path / 'top.py'


def write(path, text):
    path.write_text(text)
    return path


def test_a_variable_changes_everything_built_from_it(config, tmp_path):
    cfg = load_config(config, ['sizes=(16,12)', 'root=else/', 'steps=5'])
    train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset
    assert (train.root, train.crop, train.steps, train.pipeline[0].scale) == ('else/train', [16], 5, (16, 12))
    assert (val.sizes, val.root, val.pipeline[0].scale) == ((16, 12), 'else/', (16, 12))
    assert (cfg.height, cfg.width) == (16, 12)
    assert cfg.filename == str(config)
    assert cfg.name == f'top in {tmp_path}'
    assert "'é'" in repr(train.pipeline[0].note)


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        (
            'steps = 5\n',
            r'top\.py:2: steps changes nothing: .*/base\.py is run first, and its steps = 2 is in use; write '
            r'--cfg-options steps=5, or the keys that are to have the value$',
        ),
        ("root = 'my data/'\n", r"its root = 'data/' is in use; write --cfg-options 'root=my data/', or the keys"),
        ('pipeline = [dict(type=str(one)) for one in range(40)]\n', r'pipeline = \.\.\. is in use; .* pipeline=VALUE'),
        ('steps = 5\nval_dataloader = dict(dataset=dict(steps=steps))\n', None),  # it uses it itself
        ('steps = 1 + 1\n', None),
        ('mine = 3\n', None),
        ('train_dataloader = dict(batch_size=3)\n', None),
    ],
)
def test_a_variable_that_is_set_after_its_base_has_used_it(text, told, config, monkeypatch):
    said = []
    monkeypatch.setattr('mmvidext.cli.config.print_log', lambda line, **_: said.append(line))
    write(config, f"_base_ = './base.py'\n{text}")
    load_config(config, warns=False)
    assert [bool(re.search(told, line)) for line in said] == [True] if told else said == []
    if 'steps=5' in (told or ''):
        load_config(config, ['steps=5'], warns=False)
        assert len(said) == 1


def test_a_variable_in_the_middle_of_a_chain(tmp_path):
    """A file is told of that sets it too late, unless what inherits from it reads it there."""
    write(tmp_path / 'a.py', 'size = 1\n')
    write(tmp_path / 'b.py', "_base_ = 'a.py'\nmodel = dict(size=_base_.size)\n")
    write(tmp_path / 'c.py', "_base_ = 'b.py'\nsize = 2\n")
    top = write(tmp_path / 'd.py', "_base_ = 'c.py'\n")
    (line,) = late_variables(read_config_file(top), {})
    assert line.startswith(f'{tmp_path}/c.py:2: size changes nothing: {tmp_path}/a.py is run first, and its size = 1')
    write(top, "_base_ = 'c.py'\nval_dataloader = dict(size={{ _base_.size }})\n")
    assert late_variables(read_config_file(top), {}) == []


def test_a_variable_of_a_base_of_another_package_is_set_where_it_is_used(tmp_path):
    pytest.importorskip('mmaction')
    name = 'mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb.py'
    mine = write(tmp_path / 'mine.py', f"_base_ = {name!r}\ndata_root = 'mine'\n")
    (line,) = late_variables(read_config_file(mine), {})
    assert line.endswith("its data_root = 'data/sthv2/videos' is in use; write the keys that are to have the value")


def test_a_variable_that_is_not_finite(config):
    cfg = load_config(config, ['steps=[inf, (nan,), a]', 'root=x'])
    first, (second,), third = cfg.train_dataloader.dataset.steps
    assert (first, str(second), third) == (float('inf'), 'nan', 'a')


def test_one_of_several_names_of_an_assignment(config):
    cfg = load_config(config, ['height=10'])
    assert (cfg.height, cfg.width, cfg.crop) == (10, 6, [10])


CODE = '+str(__import__("pathlib").Path("ran").touch())+'


@pytest.mark.parametrize('options', [[], ['mine=2']])
@pytest.mark.parametrize(
    ('folder', 'text'),
    [
        (f'a"{CODE}"', 'root = "{{fileDirname}}"\n'),
        (f"a'{CODE}'", "root = '{{ fileDirname }}/x'\n"),
        ('a{print(1)}', "root = f'{{fileDirname}}'\n"),
        ('a\nb = 1', '# {{fileDirname}}\n'),
        ('a\\b', 'root = "{{fileDirname}}"\n'),
        ('a{{fileBasename}}', 'root = "{{fileDirname}}"\n'),
        ('a" "b', 'root = "{{fileDirname}}"\n'),
    ],
)
def test_the_name_of_a_folder_is_never_read_as_code(folder, text, options, tmp_path, monkeypatch):
    """Which mmengine puts into the text of a config as it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir()
    write(tmp_path / folder / 'base.py', text)
    write(tmp_path / folder / 'top.py', "_base_ = './base.py'\nmine = 1\nx = mine\n")
    with pytest.raises(ConfigError, match=r'base\.py.* uses \{\{fileDirname\}\}, but .*: rename the folder') as error:
        load_config(tmp_path / folder / 'top.py', options)
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'ran').exists()
    write(tmp_path / folder / 'base.py', 'root = "data"\n')
    assert load_config(tmp_path / folder / 'top.py', options).root == 'data'


def test_a_name_that_would_change_yaml(tmp_path):
    (tmp_path / 'a", mine: "b').mkdir()
    path = write(tmp_path / 'a", mine: "b' / 'config.yaml', 'root: "{{ fileDirname }}"\n')
    with pytest.raises(ConfigError, match='rename the folder or the file'):
        load_config(path)
    top = write(tmp_path / 'top.py', f'_base_ = {str(path)!r}\n')
    with pytest.raises(ConfigError, match='rename the folder or the file'):
        load_config(top)


@pytest.mark.parametrize('folder', ["Tom's (1)", '视频 é', 'a"b'])
def test_a_name_that_is_text_only_is_accepted(folder, tmp_path):
    (tmp_path / folder).mkdir()
    quotes = "'" if '"' in folder else '"'
    path = write(tmp_path / folder / 'config.py', f'root = {quotes}{{{{ fileDirname }}}}/x{quotes}\n')
    assert load_config(path).root == f'{tmp_path / folder}/x'


def test_the_dumped_config_is_the_changed_one(config, tmp_path):
    cfg = load_config(config, ['sizes=(16,12)', 'train_dataloader.batch_size=7'])
    cfg.dump(tmp_path / 'dumped.py')
    again = load_config(tmp_path / 'dumped.py')
    assert again.to_dict() == cfg.to_dict()
    assert 'sizes = (16, 12)' in cfg.text
    assert str(config) in cfg.text


def test_without_options_it_is_what_mmengine_reads(config):
    assert load_config(config).to_dict() == Config.fromfile(config).to_dict()
    assert load_config(config, []).text == Config.fromfile(config).text


def test_a_value_is_changed_in_place(config):
    cfg = load_config(config, ['train_dataloader.dataset.pipeline.0.scale=(1,2)', 'train_dataloader.batch_size=3'])
    assert cfg.train_dataloader.dataset.pipeline[0].scale == (1, 2)
    assert cfg.val_dataloader.dataset.pipeline[0].scale == (8, 6)
    assert cfg.train_dataloader.batch_size == 3


def test_an_item_of_a_list_is_changed(config):
    cfg = load_config(
        config, ['train_dataloader.dataset.crop.0=3', "train_dataloader.dataset.pipeline.1=dict(type='A')"]
    )
    assert cfg.train_dataloader.dataset.crop == [3]
    assert [transform.type for transform in cfg.train_dataloader.dataset.pipeline] == ['Resize', 'A']
    assert cfg.val_dataloader.dataset.pipeline[1].type == 'Flip'


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('{}', {}),
        ('{0:1,1:0}', {0: 1, 1: 0}),
        ("{'to the left': 'to the right'}", {'to the left': 'to the right'}),
        ("dict(type='A', b=dict(c=[1, None]))", dict(type='A', b=dict(c=[1, None]))),
        ("[{'type': 'A', 'b': 1}, dict(type='C')]", [dict(type='A', b=1), dict(type='C')]),
        ('{:05}.jpg', '{:05}.jpg'),
        ('{:05}', '{:05}'),
        ('dict(a=b())', 'dict(a=b())'),
    ],
)
@pytest.mark.parametrize(
    'key', ['steps', 'train_dataloader.dataset.steps', 'env_cfg.dist_cfg', '+train_dataloader.new']
)
def test_a_value_that_is_a_dictionary_takes_the_place_of_the_one_before(key, text, value, config):
    write(config, f"{TOP}env_cfg = dict(dist_cfg=dict(backend='gloo', timeout=1))\n")
    if key == 'env_cfg.dist_cfg' and not isinstance(value, dict):
        return
    cfg = load_config(config, [f'{key}={text}'])
    given = cfg
    for part in key.removeprefix('+').split('.'):
        given = given[part]
    assert given == value


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('/a/my clips', '/a/my clips'),
        ("'/a/my clips'", '/a/my clips'),
        ('" /a/my clips"', ' /a/my clips'),
        ('[/a/my clips, /b]', ['/a/my clips', '/b']),
        ("['/a/my clips', '/b']", ['/a/my clips', '/b']),
        ('/a/my clips, /b', ['/a/my clips', '/b']),
        ('[ (1, 2), [a b, None], 0.5, ]', [(1, 2), ['a b', None], 0.5]),
        ('( True,)', (True,)),
        (' 3 ', 3),
        ('[]', []),
        ('( )', ()),
        ('1,', [1]),
        ('(1, 2), (3, 4)', [(1, 2), (3, 4)]),
        ('/a (1,2)/b', '/a (1,2)/b'),
    ],
)
@pytest.mark.parametrize('key', ['steps', 'train_dataloader.dataset.steps'])
def test_spaces_stay_in_a_text_and_separate_the_items_of_a_list(key, text, value, config):
    cfg = load_config(config, [f'{key}={text}'])
    assert cfg.train_dataloader.dataset.steps == value


def test_a_new_key_is_one_of_the_runner_or_is_added_on_purpose(config):
    cfg = load_config(config, ['randomness.seed=3', '+train_dataloader.drop_last=True', '+mine.own=1'])
    assert (cfg.randomness.seed, cfg.train_dataloader.drop_last, cfg.mine.own) == (3, True, 1)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        (
            'train_dataloader.batchsize=3',
            r"train_dataloader of .* has no 'batchsize'; did you mean batch_size\?",
        ),
        ('train_dataloader.zzz=3', r"no 'zzz'; it has batch_size, dataset \(\+train_dataloader\.zzz=\.\.\. adds it\)"),
        ('optim_wraper.optimizer.lr=3', r"has no 'optim_wraper'; did you mean optim_wrapper\?"),
        ('size=3', r"has no 'size'; did you mean sizes\?"),
        ('number=3', "has no 'number'"),  # of a comprehension
        ('train_dataloader.dataset.pipeline.7.scale=3', "dataset.pipeline of .* has no '7'; it has 0, 1$"),
        ('+train_dataloader.dataset.pipeline.7.scale=3', 'cannot be set'),
        ('+train_dataloader.dataset.crop.1=3', r'train_dataloader\.dataset\.crop\.1 cannot be set'),
        ('+train_dataloader.dataset.crop.x=3', r'train_dataloader\.dataset\.crop\.x cannot be set'),
        ('train_dataloader.batch_size.x=3', "train_dataloader.batch_size of .* has no 'x'"),
        ('pipeline.0.scale=3', 'pipeline is a variable from which .* is built, and a part of it cannot be changed'),
        (
            '+optim_wraper.optimizer.lr=3',
            r'^\+optim_wraper\.optimizer\.lr: nothing reads optim_wraper; did you mean optim_w',
        ),
        ('+default_hook.checkpoint.interval=3', 'nothing reads default_hook; did you mean default_hooks'),
        ('+env_cfg.cudnn_benchmrk=True', r'nothing reads env_cfg\.cudnn_benchmrk; did you mean cudnn_benchmark'),
        ('env_cfg.cudnn_benchmark=Flase', r"env_cfg\.cudnn_benchmark: expected True or False, but got 'Flase'"),
        ('switch=no', "switch: expected True or False, but got 'no'"),
        ('sizes', 'expected KEY=VALUE or'),
        ('=3', 'expected KEY=VALUE or'),
        ('_base_=x', 'expected KEY=VALUE or'),
        ('sizes=(1,(2)', r'the brackets in .* do not match'),
        ('sizes=3', r'base\.py:2: TypeError: cannot unpack'),
    ],
)
def test_an_option_that_would_change_nothing_is_an_error(option, message, config):
    with pytest.raises(ConfigError, match=message) as error:
        load_config(config, [option])
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ("_base_ = './top.py'\n", r'top\.py:1: the base \./config\.py inherits from this config, in a circle'),
        ("x = 1\n_base_ = ['./basse.py']\n", r'config\.py:2: there is no base \./basse\.py; did you mean base\.py\?'),
        ("x = 1\n_base_ = 'nothing::a.py'\n", r"config\.py:2: .* the package 'nothing' is not installed"),
        ("_base_ = 'mmvidext::ms_tsm_r50_sthv22'\n", r'config\.py:1: .*; did you mean ms_tsm_r50_sthv2\?'),
        ('_base_ = 3\n', r'config\.py:1: _base_ must be a path or a list of paths'),
        ('_base_ = a + b\n', r"config\.py:1: _base_ cannot be evaluated: NameError: name 'a' is not defined"),
        ('a = 1\nb = (\n', r"config\.py:2: '\(' was never closed"),
        ("a = 1\nb = a + 'x'\n", r'config\.py:2: TypeError: unsupported operand'),
        ("_base_ = './base.py'\nenv_cfg = [1]\n", r'config\.py: env_cfg must be a dict, not \[1\]'),
        ("optim_wraper = dict(type='OptimWrapper')\n", "nothing reads 'optim_wraper'; did you mean 'optim_wrapper'"),
        ('train_dataloaders = dict(num_workers=1)\n', "nothing reads 'train_dataloaders'; did you mean"),
        (
            'env_cfg = dict(cudnn_benchmrk=True)\n',
            r'env_cfg\.cudnn_benchmrk; did you mean cudnn_benchmark',
        ),
        ("custom_imports = dict(imports=['no_such_module'])\n", r'config\.py: ImportError: .*no_such_module'),
    ],
)
def test_a_wrong_config_is_one_line(text, message, config, tmp_path):
    path = write(tmp_path / 'config.py', text)
    if 'circle' in message:
        write(config, "_base_ = './config.py'\n")
    with pytest.raises(ConfigError, match=message) as error:
        load_config(path)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('train_cfg=5', 'train_cfg must be a dict, not 5'),
        ('optim_wrapper=text', "optim_wrapper must be a dict, not 'text'"),
        ('randomness=[1]', r'randomness must be a dict, not \[1\]'),
        ('custom_hooks=5', 'custom_hooks must be a list, not 5'),
        ('val_evaluator=5', 'val_evaluator must be a dict or a list, not 5'),
        ('default_scope=5', 'default_scope must be a string, not 5'),
        ('load_from=5', 'load_from must be a string, not 5'),
        ('+default_hooks.checkpoint.out_dir=5', r'default_hooks\.checkpoint\.out_dir must be a string, not 5'),
        ('+train_dataloader.num_workers=two', "train_dataloader.num_workers must be a whole number, not 'two'"),
        ('log_level=INF', 'log_level must be the name of a level, such as INFO, not inf'),
        ('resume=maybe', "resume must be True or False, not 'maybe'"),
    ],
)
def test_a_value_of_another_type(option, message, config):
    with pytest.raises(ConfigError, match=rf'top\.py: {message}$'):
        load_config(config, [option])
    load_config(config, [f'{option.partition("=")[0]}=None'] if not re.search('num_workers|log_level', option) else [])


def test_a_base_is_evaluated(config, tmp_path):
    """As some configs of mmaction2 write long names."""
    path = write(tmp_path / 'mine.py', "_base_ = ['./ba' + 'se.py']\nx = 1\n")
    assert load_config(path).train_dataloader == load_config(config.parent / 'base.py').train_dataloader


def test_variables_of_the_users_own_are_no_typos(tmp_path):
    path = write(tmp_path / 'config.py', 'model_cfg = 1\ntrain_datasets = [model_cfg]\nx = train_datasets\nmine = 2\n')
    assert load_config(path).mine == 2


def test_other_formats_and_new_style_configs(tmp_path, config):
    path = write(tmp_path / 'config.yaml', 'train_cfg: {max_epochs: 3}\nmine: 1\n')
    cfg = load_config(path, ['train_cfg.max_epochs=4', 'mine=2'])
    assert (cfg.train_cfg.max_epochs, cfg.mine) == (4, 2)
    with pytest.raises(ConfigError, match='did you mean max_epochs'):
        load_config(path, ['train_cfg.max_epoch=4'])
    with pytest.raises(ConfigError, match=r'bad\.yaml: '):
        load_config(write(tmp_path / 'bad.yaml', '{'))


def test_a_base_of_another_format_beside_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / 'base.json', '{"train_cfg": {"max_epochs": 3}}')
    write(tmp_path / 'top.py', "_base_ = 'base.json'\nepochs = 4\nval_cfg = dict(interval=epochs)\n")
    cfg = load_config('top.py', ['epochs=5'])
    assert (cfg.train_cfg.max_epochs, cfg.val_cfg.interval) == (3, 5)


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('config.json', '{"custom_imports": {"imports": ["imported_by_json"]}}'),
        ('config.yaml', 'custom_imports: {imports: [imported_by_yaml]}'),
        ('config.yaml', 'train_cfg: !!python/object/apply:importlib.import_module [imported_by_a_tag]'),
    ],
)
def test_a_config_of_any_format_is_a_program(name, text, tmp_path, monkeypatch):
    """As docs/security.md says."""
    (module,) = re.findall(r'imported_by_\w+', text)
    write(tmp_path / f'{module}.py', 'open(f"{__file__}.ran", "w").close()\n')
    monkeypatch.syspath_prepend(tmp_path)
    load_config(write(tmp_path / name, text))
    assert (tmp_path / f'{module}.py.ran').exists()


def test_a_tag_of_yaml_is_text_in_json(tmp_path):
    """Which has no tags: the sentence of docs/security.md is about YAML."""
    tag = '!!python/object/apply:os.mkdir'
    cfg = load_config(write(tmp_path / 'config.json', f'{{"mine": ["{tag}", "{tmp_path}/ran"]}}'))
    assert cfg.mine[0] == tag
    assert not (tmp_path / 'ran').exists()


def test_names_of_installed_packages(tmp_path):
    cfg = load_config('mmvidext::ms_tsm_r50_sthv2')
    assert Path(cfg.filename).name == 'ms_tsm_r50_sthv2.py'
    assert load_config('mmvidext::ms_tsm_r50_sthv2.py').to_dict() == cfg.to_dict()
    mine = write(tmp_path / 'mine.py', "_base_ = 'mmvidext::ms_tsm_r50_sthv2'\nval_dataloader = dict(batch_size=3)\n")
    assert load_config(mine).to_dict() == {**cfg.to_dict(), 'val_dataloader': {**cfg.val_dataloader, 'batch_size': 3}}
    with pytest.raises(ConfigError, match=r'name of a model.*; its config is mmvidext::tsm_causal_r18_camera_motion$'):
        load_config('camera-motion')
    with pytest.raises(
        ConfigError, match=r'mmvidext::flownetc_sintel --cfg-options \+model\.flow_net\.normalize=False$'
    ):
        load_config('flownetc_sintel')
    with pytest.raises(ConfigError, match=r'there is no config mmvidext::ms_tsm_r50 .*; did you mean ms_tsm_r50_'):
        load_config('mmvidext::ms_tsm_r50')
    with pytest.raises(ConfigError, match=r'there is no config .*top\.py'):
        load_config(tmp_path / 'top.py')


def test_mmengine_finds_our_configs_by_name(tmp_path):
    """As any tool of the toolboxes does; what inherits from them needs no scope but their own."""
    cfg = load_config('mmvidext::ms_tsm_r50_sthv2')
    mine = write(tmp_path / 'mine.py', "_base_ = 'mmvidext::ms_tsm_r50_sthv2'\nmodel = dict(test_cfg=None)\n")
    inherited = Config.fromfile(mine)
    assert inherited.to_dict() == {**cfg.to_dict(), 'model': {**cfg.model.to_dict(), 'test_cfg': None}}
    assert '_scope_' not in inherited.pretty_text


def test_a_variable_of_another_package_is_not_changed_in_silence(tmp_path):
    pytest.importorskip('mmaction')
    name = 'mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb.py'
    assert load_config(name, ['data_root=mine']).train_dataloader.dataset.data_prefix.video == 'mine'
    mine = write(tmp_path / 'mine.py', f'_base_ = {name!r}\n')
    assert load_config(mine, ['train_dataloader.batch_size=3']).train_dataloader.batch_size == 3
    with pytest.raises(ConfigError, match=r'data_root is a variable .* of a base of another package'):
        load_config(mine, ['data_root=mine'])
