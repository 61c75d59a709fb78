"""``mmvidext weights``, and names in the place of configs and checkpoints."""

import hashlib
import os
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

pytest.importorskip('mmaction')

from mmengine.config import Config

from mmvidext.apis.model_building import build_model
from mmvidext.apis.trained_model import find_model
from mmvidext.checkpoints import model_index as module
from mmvidext.checkpoints import read_checkpoint
from mmvidext.checkpoints.download import cached_file
from mmvidext.checkpoints.locate import find_checkpoint, model_checkpoint
from mmvidext.checkpoints.model_index import find_model_entry, read_model_index
from mmvidext.cli.config import ConfigError, load_config
from mmvidext.cli.main import main
from mmvidext.models.backbones import TSMResNet
from tests.cli.invoke import invoke

CONFIG = find_model_entry('camera-motion').config


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An index of models whose weights are on a local server: whole ones, others, and ones of a wrong hash."""
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path / 'hub'))
    served = tmp_path / 'served'
    served.mkdir()
    model = build_model(Config.fromfile(CONFIG), default_scope='mmaction')
    torch.save({'state_dict': model.state_dict()}, served / 'good.pth')
    torch.save({'state_dict': {'backbone.other': torch.zeros(3)}}, served / 'other.pth')
    sha256 = hashlib.sha256((served / 'good.pth').read_bytes()).hexdigest()
    with ThreadingHTTPServer(('127.0.0.1', 0), partial(QuietHandler, directory=str(served))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        rows = [('good', 'good', sha256), ('other', 'other', ''), ('wrong', 'good', '00')]
        text = 'Models:\n'
        for name, file, digits in rows:
            text += (
                f'- Name: {name}\n  In Collection: None\n  Config: {CONFIG}\n'
                f"  Metadata: {{Training Data: clips, Weights Source: mmvidext, SHA-256: '{digits}'}}\n"
                f'  Weights: http://127.0.0.1:{server.server_port}/{file}.pth\n'
            )
        text += f'- {{Name: none, In Collection: None, Config: {CONFIG}, Metadata: {{Training Data: clips}}, '
        (tmp_path / 'models.yml').write_text(text + 'No Weights: nobody trained it}\n')
        (tmp_path / 'model-index.yml').write_text('Import: [models.yml]\n')
        models = read_model_index(tmp_path / 'model-index.yml')
        for place in ('checkpoints.model_index', 'checkpoints.locate', 'apis.trained_model', 'cli.weights'):
            monkeypatch.setattr(f'mmvidext.{place}.read_model_index', lambda *_: models)
        yield tmp_path
        server.shutdown()


def test_the_list(index):
    lines = invoke(main, 'weights').splitlines()
    assert [line.split()[0] for line in lines] == ['NAME', 'good', 'other', 'wrong']
    assert 'to download' in lines[1]
    assert re.search(r'none +none +clips +nobody trained it', invoke(main, 'weights', 'list', '--all'))


def test_weights_are_fetched_checked_and_written(index):
    output = invoke(main, 'weights', 'get', 'good', '--out', index / 'ours.pth')
    file = cached_file(find_model_entry('good').weights)
    assert f'file    {file}' in output
    assert hashlib.sha256(file.read_bytes()).hexdigest() in output
    assert 'tensors fit tsm_causal_r18_camera_motion' in output
    assert read_checkpoint(index / 'ours.pth').tensors.keys() <= read_checkpoint(file).tensors.keys()
    assert 'in the cache' in invoke(main, 'weights').splitlines()[1]


@pytest.mark.parametrize(
    ('name', 'error'),
    [
        ('other', 'does not fit the Recognizer2D'),
        ('wrong', 'which should begin with 00; it was deleted'),
        ('none', 'there is no public checkpoint of none: nobody trained it'),
        ('god', 'there is no model god; did you mean good? (mmvidext weights lists them)'),
    ],
)
def test_what_cannot_be_got(index, name, error):
    assert error in ' '.join(invoke(main, 'weights', 'get', name, status=1).split())
    assert not cached_file(find_model_entry('good').weights).exists()
    assert not list((index / 'hub').rglob('good.pth'))


def test_a_name_is_a_checkpoint_and_a_model(index, monkeypatch):
    file = find_checkpoint('good')
    assert file == model_checkpoint(find_model_entry('good')) == cached_file(find_model_entry('good').weights)
    assert find_model('good') == (str(CONFIG), 'good', ())
    assert find_model('good', 'a.pth') == (str(CONFIG), 'a.pth', ())
    options = dict(num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,))
    backbone = TSMResNet(18, causal=True, pretrained='good', **options)
    backbone.init_weights()
    assert torch.equal(backbone.conv1.conv.weight, read_checkpoint(file).tensors['backbone.conv1.conv.weight'])
    monkeypatch.chdir(index)
    (index / 'good').mkdir()  # a folder of that name is meant
    with pytest.raises(FileNotFoundError, match='there is no config in good'):
        find_model('good')


def test_a_name_brings_the_options_that_its_checkpoint_needs():
    row = find_model_entry('flownetc_sintel')
    assert find_model('flownetc_sintel') == (str(row.config), 'flownetc_sintel', ('+model.flow_net.normalize=False',))
    assert find_model('flownetc_sintel', 'own.pth') == (str(row.config), 'own.pth', ())


def test_two_models_of_one_name(tmp_path):
    row = '{Name: a, In Collection: b, Config: c.py, Metadata: {Training Data: d}}'
    (tmp_path / 'one.yml').write_text(f'Models: [{row}, {row}]\n')
    (tmp_path / 'index.yml').write_text('Import: [one.yml]\n')
    with pytest.raises(ValueError, match=r'one\.yml: there is a model a already'):
        module.read_model_index(tmp_path / 'index.yml')


def test_what_is_shipped_needs_no_download(monkeypatch):
    monkeypatch.setattr('torch.hub.get_dir', None)
    output = invoke(main, 'weights', 'get', 'camera-motion')
    assert 'shipped/camera_motion.safetensors' in output


def test_what_is_there_and_no_file_is_not_said_to_be_missing(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / 'a.pth')
    os.mkfifo(tmp_path / 'a.py')
    with pytest.raises(ValueError, match=r'a\.pth is not a regular file$'):
        find_checkpoint(tmp_path / 'a.pth')
    with pytest.raises(FileNotFoundError, match=r'a\.pth: not a regular file$'):
        find_model(tmp_path / 'a.pth')
    with pytest.raises(ConfigError, match=r'a\.py is not a regular file: name a config$'):
        load_config(tmp_path / 'a.py')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert find_model('~/c.py', '~/c.pth') == (f'{tmp_path}/c.py', f'{tmp_path}/c.pth', ())
