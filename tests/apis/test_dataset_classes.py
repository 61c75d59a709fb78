import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS
from torch import nn

from mmvidext.apis.dataset_classes import classes_and_palette
from mmvidext.apis.trained_model import class_names
from mmvidext.apis.weights import load_for_inference
from mmvidext.checkpoints.read import class_difference, saved_classes

CONFIG = Config(dict(test_dataloader=dict(dataset=dict(metainfo=dict(classes=['x', 'y'], palette=[[1, 2, 3]] * 2)))))


@pytest.mark.parametrize(
    ('saved', 'names'),
    [
        (None, []),
        ({}, []),
        ({'classes': None}, []),
        ({'classes': ('a', 'b')}, ['a', 'b']),
        ({'classes': ['a', 5]}, ['a', '5']),
        ({'classes': 'person'}, ['person']),
    ],
)
def test_the_classes_of_a_checkpoint(saved, names):
    assert saved_classes(saved) == names


@pytest.mark.parametrize(
    ('there', 'here', 'difference'),
    [
        ('abcde', 'abced', "class 3 is 'd' there and 'e' here"),  # behind those that a message has room for
        ('ab', 'abc', 'there are 2 of them there and 3 here'),
        ('abc', 'abc', ''),
        ('abc', '', ''),
        ('', 'abc', ''),
    ],
)
def test_classes_that_differ(there, here, difference):
    assert class_difference(dict(classes=tuple(there) or None), dict(classes=list(here))) == difference


@pytest.mark.parametrize('saved', [7, ['a', 'b'], {'classes': 5}, {'classes': [1, None, {}, 'd']}, {'classes': {}}])
def test_what_are_no_classes_is_refused_by_all(saved, tmp_path):
    model = nn.Linear(1, 2)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=saved)), tmp_path / 'a.pth')
    message = 'dataset_meta (is|are) .*, not a (list|dictionary)'
    with pytest.raises(ValueError, match=rf'a\.pth: .*{message}'):
        load_for_inference(model, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=message):
        classes_and_palette(CONFIG, dict(dataset_meta=saved), 2, DATASETS)
    model.dataset_meta = saved
    with pytest.raises(ValueError, match=message):
        class_names(model, CONFIG, 2)


@pytest.mark.parametrize('palette', [5, 'random', None, [1, 2], [[1, 2], [3]], [[1, 2, 300], [1, 2, -3]]])
def test_colors_that_are_none_are_spread(palette):
    names, colors = classes_and_palette(CONFIG, dict(dataset_meta=dict(palette=palette)), 2, DATASETS)
    assert names == ['x', 'y']
    assert (colors.shape, colors.dtype) == ((2, 3), 'uint8')
    assert colors.tolist() != [[1, 2, 3]] * 2
    assert classes_and_palette(CONFIG, {}, 2, DATASETS)[1].tolist() == [[1, 2, 3]] * 2
