import pytest
from mmengine.registry import init_default_scope

from mmvidext.datasets.something_something import SthV1Dataset, SthV2Dataset

FLIP = dict(type='Flip', flip_ratio=0.5)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


@pytest.mark.parametrize(
    ('kind', 'line', 'prefix'), [(SthV2Dataset, '1.webm 173', 'video'), (SthV1Dataset, '1 9 173', 'img')]
)
def test_what_is_special_to_something_something(tmp_path, kind, line, prefix):
    (tmp_path / 'list.txt').write_text(f'{line}\n')
    options = dict(ann_file=str(tmp_path / 'list.txt'), data_prefix={prefix: str(tmp_path)})
    assert kind(pipeline=[], **options).num_classes == 174
    with pytest.raises(ValueError, match='needs flip_label_map'):
        kind(pipeline=[FLIP], **options)
    kind(pipeline=[{**FLIP, 'flip_label_map': {}}], **options)
    kind(pipeline=[FLIP], test_mode=True, **options)
    with pytest.raises(ValueError, match=r'the label must be in \[0, 10\)'):
        kind(pipeline=[], num_classes=10, **options)


def test_the_hint(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.txt\. Download .*: python tools/data/prepare_sthv2\.py FOLDER'):
        SthV2Dataset(str(tmp_path / 'none.txt'), [])
    with pytest.raises(FileNotFoundError, match=r'none\.txt\. Lists have "<folder> <number of frames> <label>" lines'):
        SthV1Dataset(str(tmp_path / 'none.txt'), [])
