"""What a reader relies on: one name for one thing, data sets complete in themselves, an index that lists everything."""

import re

import pytest

from tests.configs.paths import BASES, CONFIGS, DEMO, PAPER, assigned, chain, load, name

ALL = [*PAPER, *DEMO, *BASES]
DATASETS = [path for path in BASES if path.parent.name == 'datasets']
RUNTIMES = ('recognition_runtime', 'segmentation_runtime', 'detection_runtime', 'flow_runtime')
README = (CONFIGS / 'README.md').read_text()
# the one name of each concept; data sets that have the concept define it
VARIABLES = {
    'num_classes': {'num_class', 'classes', 'n_classes'},
    'num_segments': {'num_clips', 'num_frames', 'segments'},
    'clip_len': {'clip_length', 'frames_per_clip'},
    'short_side': {'short_edge', 'resize', 'scale'},
    'crop_size': {'input_size', 'crop'},
    'train_list': {'ann_file', 'ann_file_train', 'train_ann_file'},
    'val_list': {'ann_file_val', 'val_ann_file'},
    'batch_size': {'samples_per_gpu', 'train_batch_size'},
}


@pytest.mark.parametrize('path', ALL, ids=name)
def test_nothing_is_edited_by_position_or_inherited_to_be_deleted(path):
    text = path.read_text()
    assert not re.search(r'_base_.*pipeline\[', text)
    assert '_delete_' not in text
    assert '{{' not in text


@pytest.mark.parametrize('path', BASES, ids=name)
def test_bases_inherit_nothing_but_the_runtime(path):
    bases = re.findall(r"^_base_ = '(.*)'", path.read_text(), re.MULTILINE)
    assert bases == (['./default_runtime.py'] if path.stem in RUNTIMES else [])


@pytest.mark.parametrize('path', DATASETS, ids=name)
def test_data_sets_name_what_users_change(path):
    for variable, others in VARIABLES.items():
        assert not any(assigned(path, other) for other in others), f'{variable} has another name'
    for variable in ('data_root', 'batch_size', 'num_workers'):
        assert assigned(path, variable)
    text = path.read_text()
    if 'PackActionInputs' in text:
        wanted = ('train_list', 'val_list', 'num_classes')
        assert all(assigned(path, variable) for variable in wanted)
        assert assigned(path, 'num_segments') != assigned(path, 'clip_len')
    if 'PackSegInputs' in text or 'PackClipInputs' in text:
        assert assigned(path, 'num_classes')
    literal = re.findall(
        r'(?:num_clips|clip_len|num_classes|crop_size|num_workers|ann_file)=(\d\d+|\(|data_root)', text
    )
    assert not literal, f'{literal} should be variables at the top of {path.name}'


@pytest.mark.parametrize('path', [*PAPER, *DEMO], ids=name)
def test_a_variable_is_defined_in_one_data_set_file(path):
    """A config may give it another value, but two bases must not define it both."""
    files = [file for file in chain(path) if '_base_' in file.parts]
    for variable in VARIABLES:
        assert sum(assigned(file, variable) for file in files) <= 1, variable


def test_demo_is_one_word():
    assert all(path.stem.endswith('_demo') for path in DEMO)
    words = ('_demo', '_synthetic', '_quickstart')
    assert not [path.name for path in PAPER if any(word in path.stem for word in words)]


def test_every_config_has_one_row_and_every_row_a_config():
    rows = re.findall(r'^\| \[([\w/]+)\]\(([\w/]+\.py)\) \|', README, re.MULTILINE)
    assert all(title == link.removeprefix('demo/').removesuffix('.py') for title, link in rows)
    assert sorted(link for _, link in rows) == sorted(f'{name(path)}.py' for path in [*PAPER, *DEMO])


def test_the_index_gives_each_figure_with_its_source():
    rows = re.findall(r'^\| \[\w+\]\(\w+\.py\) \|(.*)\|$', README, re.MULTILINE)
    for row in rows:
        data, frames, figure, source = (cell.strip() for cell in row.split('|'))
        assert data
        assert frames
        assert (figure == 'none') == (source == ''), row


def test_frames_of_the_index_are_those_of_the_config():
    for link, frames in re.findall(r'^\| \[\w+\]\((\w+\.py)\) \|[^|]*\| (\d+) \|', README, re.MULTILINE):
        config = load(link)
        if config.default_scope == 'mmaction':
            assert config.get('num_segments', config.get('clip_len')) == int(frames), link


def test_every_base_is_used():
    used = {file for path in [*PAPER, *DEMO] for file in chain(path)}
    assert [name(path) for path in BASES if path not in used] == []
