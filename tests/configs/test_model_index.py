"""The metafiles: every paper config has its row, and what a row says of weights and figures is so."""

import re
from urllib.parse import urlparse

import pytest
import torch
import yaml

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmengine.registry import MODELS, DefaultScope

from mmvidext.apis.model_building import build_model
from mmvidext.checkpoints import convert_checkpoint, read_checkpoint, source_names
from mmvidext.checkpoints.model_index import read_model_index, shipped_file
from mmvidext.cli.config import load_config
from tests.checkpoints import test_flownet_sources as flownet
from tests.configs.paths import CONFIGS, PAPER
from tests.oracles import official_weights as official

ROOT = CONFIGS.parent
MODEL_INDEX = read_model_index()
WITH_WEIGHTS = [model for model in MODEL_INDEX.values() if model.weights]
MMSEG = {  # whose files have other names than its configs
    'pspnet_r50_cityscapes': 'pspnet/pspnet_r50-d8_4xb2-40k_cityscapes-512x1024.py',
    'pspnet_r101_cityscapes': 'pspnet/pspnet_r101-d8_4xb2-40k_cityscapes-512x1024.py',
    'deeplabv3_r101_cityscapes': 'deeplabv3/deeplabv3_r101-d8_4xb2-40k_cityscapes-512x1024.py',
}


def name(model):
    return model.name


def test_every_paper_config_has_a_row():
    recipes = {path.resolve() for path in PAPER if not path.stem.endswith('_small_data')}
    assert {model.config.resolve() for model in MODEL_INDEX.values()} == recipes


def test_every_metafile_is_imported():
    imported = yaml.safe_load((ROOT / 'mmvidext/.mim/model-index.yml').read_text())['Import']
    assert sorted(imported) == sorted(str(path.relative_to(ROOT)) for path in (CONFIGS / 'metafiles').glob('*.yml'))


@pytest.mark.parametrize('path', sorted((CONFIGS / 'metafiles').glob('*.yml')), ids=lambda path: path.stem)
def test_documents_and_collections_of_a_metafile_exist(path):
    content = yaml.safe_load(path.read_text())
    collections = {collection['Name']: collection for collection in content['Collections']}
    assert all((ROOT / collection['README']).is_file() for collection in collections.values())
    assert {entry['In Collection'] for entry in content['Models']} == set(collections)


@pytest.mark.parametrize('model', MODEL_INDEX.values(), ids=name)
def test_a_row_has_weights_or_says_why_not_and_its_figures_have_a_source(model):
    assert bool(model.weights) != bool(model.without)
    assert bool(model.weights) == bool(model.source)
    assert model.source in (None, *source_names(), 'mmaction2', 'mmsegmentation', 'mmvidext')
    for figure in model.figures:
        assert figure.source
        assert all(isinstance(value, int | float) for value in figure.metrics.values())


@pytest.mark.parametrize('model', WITH_WEIGHTS, ids=name)
def test_addresses_are_well_formed(model):
    if model.is_shipped:
        assert shipped_file(model).stat().st_size < 10e6
        return
    url = urlparse(model.weights)
    assert url.scheme == 'https'
    assert re.fullmatch(r'[\w.-]+', url.netloc)
    assert re.search(r'/[\w.%()-]+\.(pth|pkl|pth\.tar)$', url.path)
    assert url.query == ('dl=1' if url.netloc == 'www.dropbox.com' else '')


def shapes_of_official(model, config):
    """The official tensors of a row, name to shape."""
    classes, backbone = config.model.get('cls_head', {}).get('num_classes'), config.model.get('backbone', {})
    if model.source == 'tsm' and 'mobilenet' in model.name:
        online = 'jester' in model.name
        shapes = official.mobilenet_v2('' if online else '.net')
        if online:
            return shapes | {'classifier.weight': (classes, 1280), 'classifier.bias': (classes,)}
        return official.wrapped(shapes, classes, 1280)
    if model.source == 'tsm':
        return official.wrapped(official.resnet2d(50, lambda stage, block: 'conv1.net'), classes, 2048)
    if model.source == 'torchvision_video' or 'moabitcoin' in model.weights:
        return official.video_resnet(backbone.arch, backbone.depth, per_block=model.source != 'vmz')
    if model.source == 'vmz':
        return official.caffe2_video_resnet(backbone.arch, backbone.depth)
    if model.source == 'mmtracking_dff':
        from tests.checkpoints.test_detection_sources import mmtracking_dff_shapes

        return mmtracking_dff_shapes(int(re.search(r'_r(\d+)_', model.name)[1]))
    correlated = 'flownetc' in model.name
    names = flownet.MMFLOW_C if correlated else flownet.MMFLOW_S
    shapes = {}
    for layer, (first, second, kernel) in flownet.shapes(correlated, width=1).items():
        shapes[f'{names[layer]}.weight'] = (first, second, kernel, kernel)
        if correlated or not layer.startswith('upflow'):
            shapes[f'{names[layer]}.bias'] = (second if kernel == 4 else first,)
    return shapes


def build(config):
    """Return the model of a config without values, but for what its images are normalized by."""
    scope = config.get('default_scope', 'mmaction')
    with torch.device('meta'):
        network = build_model(config, default_scope=scope)
    with DefaultScope.overwrite_default_scope(scope):
        network.data_preprocessor = MODELS.build(config.model.data_preprocessor)
    return network


def shapes_in(tensors):
    """Return what a checkpoint must have, name to shape."""
    return {
        key: tuple(tensor.shape)
        for key, tensor in tensors.items()
        if not key.endswith('num_batches_tracked') and not key.startswith('data_preprocessor.')
    }


def input_of(network):
    images = network.data_preprocessor
    swaps = getattr(images, '_channel_conversion', False) or getattr(images, 'to_rgb', False)
    return images.mean.flatten().tolist(), images.std.flatten().tolist(), swaps


def toolbox_config(model):
    """Return the config of a toolbox that a file is of: it says so in its address."""
    if model.source == 'mmsegmentation':
        return f'mmseg::{MMSEG[model.name]}'
    *_, family, recipe, _ = urlparse(model.weights).path.split('/')
    return f'mmaction::recognition/{family}/{recipe}.py'


@pytest.mark.parametrize('model', WITH_WEIGHTS, ids=name)
def test_the_checkpoint_fits_the_config(model):
    """Every row: an official file is converted, names of a toolbox are ours, and what is shipped is read."""
    config = load_config(str(model.config), model.options)
    network = build(config)
    if model.source in source_names():
        table = {key: torch.empty(shape, device='meta') for key, shape in shapes_of_official(model, config).items()}
        found = convert_checkpoint(table, network, model.source)
    elif model.is_shipped:
        found = read_checkpoint(shipped_file(model)).tensors
    else:
        theirs = build(load_config(toolbox_config(model), warns=False))
        assert input_of(theirs) == input_of(network)
        found = theirs.state_dict()
    assert shapes_in(found) == shapes_in(network.state_dict())


def views(config):
    """Return what makes clips and crops of a video in a test."""
    steps = [step for step in config.test_pipeline if 'Sample' in step.type or 'Crop' in step.type]
    return [(step.type, step.get('twice_sample', False)) for step in steps]


@pytest.mark.parametrize('model', [model for model in WITH_WEIGHTS if model.source == 'mmaction2'], ids=name)
def test_a_figure_of_other_views_than_ours_says_so(model):
    theirs, ours = (load_config(config, warns=False) for config in (toolbox_config(model), str(model.config)))
    assert views(theirs) == views(ours) or all(figure.protocol for figure in model.figures)


def test_the_model_zoo_is_up_to_date():
    from tools.docs.model_zoo import page

    assert (ROOT / 'docs/model_zoo.md').read_text() == page(), 'python tools/docs/model_zoo.py'
