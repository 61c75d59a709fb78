"""A file that mmengine cannot fetch: its address, and where it would go by hand."""

import sys
from urllib.error import HTTPError, URLError

import click
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmvidext.cli.pretrained_errors import naming_what_cannot_be_fetched
from mmvidext.cli.running import build_training
from mmvidext.engine.shared_batches import SharingRunner
from tests.cli.small_run import build
from tests.configs.paths import CONFIGS


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache that is empty, and no network."""

    def refuse(url, *args, **kwargs):
        raise URLError(OSError(-2, 'Name or service not known'))

    monkeypatch.setattr(torch.hub, 'urlopen', refuse)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'hub' / 'checkpoints'


def segmentor(checkpoint):
    model = Config.fromfile(CONFIGS / 'demo' / 'pspnet_r18_demo.py').model
    model.backbone.init_cfg = dict(type='Pretrained', checkpoint=checkpoint)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(model)


URL = 'https://download.openmmlab.com/pretrain/third_party/resnet18_v1c-b5776b93.pth'


@pytest.mark.parametrize(
    ('checkpoint', 'named', 'name'),
    [
        ('open-mmlab://resnet18_v1c', f'{URL} (open-mmlab://resnet18_v1c)', 'resnet18_v1c-b5776b93.pth'),
        ('https://a.invalid/b/c.pth', 'https://a.invalid/b/c.pth', 'c.pth'),
    ],
)
def test_the_backbone_of_another_toolbox(checkpoint, named, name, hub):
    model = segmentor(checkpoint)
    message = f'{named} cannot be downloaded: Name or service not known; without a network, fetch it elsewhere and '
    message += f'put it at {hub / name}, or let init_cfg name a file of this machine'
    with pytest.raises(FileNotFoundError) as caught, naming_what_cannot_be_fetched(model):
        model.init_weights()
    assert str(caught.value) == message
    hub.mkdir(parents=True, exist_ok=True)
    torch.save(model.backbone.state_dict(), hub / name)  # by hand
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    with naming_what_cannot_be_fetched(model):
        model.init_weights()
    assert model.backbone.layer1[0].conv1.weight.any()


def test_of_several_files_those_that_are_not_there(hub):
    model = nn.Module()
    for number, file in enumerate((URL, 'https://a.invalid/d.pth', 'here.pth')):
        part = nn.Module()
        part.init_cfg = dict(type='Pretrained', checkpoint=file)
        model.add_module(str(number), part)
    hub.mkdir(parents=True)
    (hub / URL.rpartition('/')[2]).touch()
    error = HTTPError('https://a.invalid/d.pth', 404, 'Not Found', None, None)
    message = r'^https://a\.invalid/d\.pth cannot be downloaded: Not Found; '
    with pytest.raises(FileNotFoundError, match=message), naming_what_cannot_be_fetched(model):
        raise error


def test_torchvision_that_is_not_there(monkeypatch, hub):
    monkeypatch.setitem(sys.modules, 'torchvision', None)
    model = segmentor('torchvision://resnet18')
    with (
        pytest.raises(ImportError, match=r'torchvision://resnet18 needs torchvision, .* https://\S+/resnet18-\w+\.pth'),
        naming_what_cannot_be_fetched(model),
    ):
        model.init_weights()


def test_other_errors_stay_as_they_are():
    with pytest.raises(ImportError, match='no such thing'), naming_what_cannot_be_fetched(nn.Module()):
        raise ImportError('no such thing', name='other')


def test_training_ends_with_the_line(hub, tmp_path):
    runner = build(tmp_path, SharingRunner, dict(by_epoch=True, max_epochs=1))
    runner.model.init_cfg = dict(type='Pretrained', checkpoint=URL)
    (tmp_path / 'a.py').touch()
    build_training(runner, Config.fromfile(tmp_path / 'a.py'))
    with pytest.raises(click.ClickException, match=f'a.py: FileNotFoundError: {URL} cannot be downloaded'):
        runner.train()
