"""A config names the weights that a part starts from in every way that mmengine knows."""

import pytest
from mmengine.model import PretrainedInit

from mmvidext.models.pretrained_file import pretrained_file

KINDS = ['Pretrained', 'mmengine.Pretrained', 'mmengine.model.weight_init.PretrainedInit', PretrainedInit]


@pytest.mark.parametrize('kind', KINDS, ids=str)
@pytest.mark.parametrize('several', [lambda entry: entry, lambda entry: [dict(type='Kaiming'), entry]])
def test_a_file_and_its_prefix(kind, several):
    entry = dict(type=kind, checkpoint='a.pth')
    assert pretrained_file(several(entry), prefix='backbone') == ('a.pth', 'backbone')
    assert pretrained_file(several(entry | dict(prefix='net')), prefix='backbone') == ('a.pth', 'net')


@pytest.mark.parametrize(
    'init_cfg', [None, {}, [], dict(type='Kaiming'), dict(type='NoSuch'), dict(type=dict)], ids=str
)
def test_no_file(init_cfg):
    assert pretrained_file(init_cfg, prefix='') is None


@pytest.mark.parametrize('rest', [{}, dict(checkpoint=''), dict(checkpoint=None)], ids=str)
def test_no_name_of_a_file(rest):
    with pytest.raises(ValueError, match=r"init_cfg \{'type': 'Pretrained'.* must name a checkpoint"):
        pretrained_file(dict(type='Pretrained', **rest), prefix='')
