"""What mmsegmentation's Python API asks of a segmentor."""

import copy

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.apis import MMSegInferencer, inference_model, init_model
from mmseg.models import EncoderDecoder, SegDataPreProcessor
from mmseg.registry import MODELS

from mmvidext.apis import VideoSegmentor
from mmvidext.models.flow import FlowNetS
from mmvidext.models.segmentors import DeepFeatureFlow
from tests.datasets.layouts import write_cityscapes
from tests.models.segmentors.tiny import fcn

LOAD = [dict(type='LoadImageFromFile'), dict(type='mmvidext.LoadClip')]
RESIZE = dict(type='mmvidext.ClipTransform', transforms=[dict(type='Resize', scale=(64, 32), keep_ratio=True)])
LABEL_AND_PACK = [dict(type='mmvidext.LoadClipAnnotations'), dict(type='mmvidext.PackClipInputs')]
PIPELINE = [*LOAD, RESIZE, *LABEL_AND_PACK]
CLASSES = [str(number) for number in range(19)]
PALETTE = [[number] * 3 for number in range(19)]


@pytest.fixture(autouse=True, scope='module')
def segmentation_scope():
    init_default_scope('mmseg')
    MMLogger.get_current_instance().setLevel('ERROR')


def make_config(root='none', pipeline=PIPELINE):
    dataset = dict(
        type='mmvidext.CityscapesVideoDataset',
        data_root=str(root),
        data_prefix=dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val'),
        distances=[0, 3],
        pipeline=pipeline,
    )
    return Config(
        dict(
            default_scope='mmseg',
            model=dict(
                type='mmvidext.DeepFeatureFlow',
                segmentor=fcn(19),
                flow_net=dict(type='mmvidext.FlowNetS', width=0.0625),
            ),
            test_pipeline=pipeline,
            test_dataloader=dict(
                batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset=dataset
            ),
            test_cfg=dict(),
            test_evaluator=dict(type='mmvidext.VideoIoUMetric', distances=[0, 3]),
            visualizer=dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer'),
        )
    )


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    model = MODELS.build(make_config().model)
    meta = dict(dataset_meta=dict(classes=CLASSES, palette=PALETTE))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / 'model.pth')
    return str(tmp_path / 'model.pth')


def image():
    return np.random.default_rng(0).integers(0, 256, (48, 96, 3), np.uint8)


def plain_labels(model):
    """The labels of the plain segmentor inside, with the same preparation."""
    inputs = torch.from_numpy(cv2.resize(image(), (64, 32)).transpose(2, 0, 1).copy())
    with torch.no_grad():
        logits = model.segmentor(model.data_preprocessor({'inputs': [inputs]})['inputs'][:, 0], mode='predict')[0]
    full = torch.nn.functional.interpolate(logits.seg_logits.data.unsqueeze(0), (48, 96), mode='bilinear')
    return full.argmax(1)[0].numpy()


def test_init_model_and_inference_model(tmp_path, checkpoint):
    model = init_model(make_config(), checkpoint, 'cpu')
    cv2.imwrite(str(tmp_path / 'image.png'), image())
    expected = plain_labels(model)
    from_file = inference_model(model, str(tmp_path / 'image.png'))
    from_array = inference_model(model, image())
    assert np.array_equal(from_file.pred_sem_seg.data.squeeze(0), expected)
    assert np.array_equal(from_array.pred_sem_seg.data.squeeze(0), expected)


def test_inferencer(tmp_path, checkpoint):
    inferencer = MMSegInferencer(make_config(), checkpoint, device='cpu', classes=CLASSES, palette=PALETTE)
    found = inferencer(image(), show=False, return_vis=False)['predictions']
    assert np.array_equal(found, plain_labels(inferencer.model))


def test_time_augmentation(tmp_path):
    """As mmseg's ``tools/test.py --tta``."""
    write_cityscapes(tmp_path, size=(64, 32))
    flips = [
        dict(type='mmvidext.ClipTransform', transforms=[dict(type='RandomFlip', prob=prob, direction='horizontal')])
        for prob in (0.0, 1.0)
    ]
    pipeline = [*LOAD, dict(type='TestTimeAug', transforms=[flips, *[[step] for step in LABEL_AND_PACK]])]
    config = make_config(tmp_path, pipeline)
    config.work_dir = str(tmp_path / 'work')
    config.model = dict(type='SegTTAModel', module=config.model)
    assert {'mIoU@0', 'mIoU@3'} <= set(Runner.from_cfg(config).test())


def test_complexity():
    model = DeepFeatureFlow(fcn(), dict(type='mmvidext.FlowNetS', width=0.0625)).eval()
    clip = torch.zeros(1, 2, 3, 32, 64)
    key = get_model_complexity_info(model, inputs=(clip[:, :1],), show_table=False, show_arch=False)['flops']
    both = get_model_complexity_info(model, inputs=(clip,), show_table=False, show_arch=False)['flops']
    plain = get_model_complexity_info(model.segmentor, inputs=(clip[:, 0],), show_table=False, show_arch=False)['flops']
    classifier = 8 * 3 * 4 * 8
    assert key == pytest.approx(plain + classifier, rel=1e-3)  # the classifier runs with its head, and behind the cut
    assert both > key


def test_new_style_config():
    """A pure Python config gives classes where a text config gives names."""
    segmentor = dict(fcn(19), type=EncoderDecoder)
    segmentor['data_preprocessor'] = dict(segmentor['data_preprocessor'], type=SegDataPreProcessor)
    config = make_config()
    config.model = dict(type=DeepFeatureFlow, segmentor=segmentor, flow_net=dict(type=FlowNetS, width=0.0625))
    assert VideoSegmentor(config).step(image()).shape == (48, 96)


def test_building_leaves_the_config_as_it_is():
    """mmseg moves ``pretrained`` into the config of the backbone, and refuses it there the second time."""
    config = ConfigDict(
        type='mmvidext.DeepFeatureFlow',
        segmentor=fcn(pretrained='torchvision://resnet18'),
        flow_net=dict(type='mmvidext.ZeroFlow'),
    )
    before = copy.deepcopy(config)
    with torch.device('meta'):
        for _ in range(2):
            MODELS.build(config)
    assert config == before
