"""Every config through the entrances of its toolbox, and our own, on a real file; small pictures and few views.

mmaction2: ``init_recognizer``, ``inference_recognizer``, ``MMAction2Inferencer``. mmsegmentation: ``init_model``,
``inference_model``, ``MMSegInferencer``. mmdetection: ``init_detector``, ``inference_detector``, ``DetInferencer``.
Ours: ``OnlineRecognizer``, ``VideoSegmentor``, ``VideoDetector``, ``FlowInferencer``. A config of another toolbox fails
until it has a case here.
"""

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope

from mmvidext.apis import FlowInferencer, OnlineRecognizer, VideoSegmentor
from tests.configs.paths import DEMO, PAPER, load, name
from tests.datasets.videos import write_video

SIDE = 32
CONFIGS = [*PAPER, *DEMO]
SCOPES = {
    'mmaction': 'recognition',
    'mmseg': 'segmentation',
    'mmdet': 'detection',
    'mmengine': 'flow',
    'mmvidext': 'flow',
}


def of(task):
    return [path for path in CONFIGS if SCOPES.get(load(path).default_scope) == task]


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A video, and its frames in a folder."""
    folder = tmp_path_factory.mktemp('files')
    write_video(folder / 'a.webm', num_frames=12, size=(64, 48))
    write_video(folder / 'short.webm', num_frames=3, size=(64, 48))
    (folder / 'frames').mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), np.uint8)
    for number, picture in enumerate(pictures, start=1):
        cv2.imwrite(str(folder / f'frames/img_{number:05}.jpg'), picture)
    return folder


def steps_of(pipeline):
    for step in pipeline:
        yield step
        yield from steps_of(step.get('transforms', ()))  # of ClipTransform


def shrunk(path):
    """Return a config whose test pipelines make small pictures and two clips of a video."""
    config = Config.fromfile(path)
    for pipeline in (config.get('test_pipeline'), config.test_dataloader.dataset.pipeline):
        for step in steps_of(pipeline or ()):
            if 'Crop' in step.type and 'crop_size' in step:
                step.crop_size = SIDE
            if step.type == 'Resize':
                step.scale = (-1, SIDE) if step.scale[0] == -1 else (2 * SIDE, SIDE)
            if step.type == 'DenseSampleFrames':
                step.num_sample_positions = 2
            elif step.type == 'SampleFrames' and step.clip_len > 1:
                step.num_clips = 2
                step.clip_len = min(step.clip_len, 16)
    return config


@pytest.mark.parametrize('path', of('recognition'), ids=name)
def test_recognition(path, files):
    """``inference_recognizer`` takes the pipeline that the test takes."""
    pytest.importorskip('decord')  # the inferencer reads videos with it, whatever the config says
    from mmaction.apis import inference_recognizer, init_recognizer
    from mmaction.apis.inferencers import MMAction2Inferencer

    config = shrunk(path)
    reads_frames = any(step.type == 'RawFrameDecode' for step in config.test_pipeline)
    source = dict(label=-1, modality='RGB', start_index=0, filename=str(files / 'a.webm'))
    if reads_frames:
        source |= dict(frame_dir=str(files / 'frames'), filename_tmpl='img_{:05}.jpg', total_frames=12, start_index=1)
    model = init_recognizer(config, None, device='cpu')
    found = inference_recognizer(model, dict(source) if reads_frames else source['filename'])
    pipeline = Compose(config.test_dataloader.dataset.pipeline)
    with torch.no_grad():
        (expected,) = model.test_step(pseudo_collate([pipeline(dict(source))]))
    assert torch.equal(found.pred_score, expected.pred_score)
    assert found.pred_score.isfinite().all()

    inferencer = MMAction2Inferencer(rec=config, device='cpu', input_format='rawframes' if reads_frames else 'video')
    (prediction,) = inferencer(source.get('frame_dir', source['filename']), pred_out_file='')['predictions']
    assert len(prediction['rec_scores'][0]) == len(found.pred_score)
    assert type(inferencer.actionrecog_inferencer.visualizer).__name__ == 'ActionVisualizer'


@pytest.mark.parametrize('path', [path for path in of('recognition') if 'causal' in path.stem], ids=name)
def test_online_recognition(path):
    config = shrunk(path)
    scores = OnlineRecognizer(config).step(np.zeros((48, 64, 3), np.uint8))
    assert scores.shape == (config.model.cls_head.num_classes,)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize('path', of('segmentation'), ids=name)
def test_segmentation(path, files, tmp_path):
    """``inference_model`` and ``MMSegInferencer`` take an image that belongs to no video."""
    from mmseg.apis import MMSegInferencer, inference_model, init_model

    config = shrunk(path)
    init_default_scope('mmseg')
    picture = str(files / 'frames/img_00001.jpg')
    model = init_model(config, None, device='cpu')
    expected = inference_model(model, picture).pred_sem_seg.data.squeeze(0)
    assert expected.shape == (48, 64)
    num_classes = config.model.get('segmentor', config.model).decode_head.num_classes
    names, palette = [str(number) for number in range(num_classes)], [[number, 0, 0] for number in range(num_classes)]
    inferencer = MMSegInferencer(config, classes=names, palette=palette, device='cpu')
    inferencer.model.load_state_dict(model.state_dict())
    found = inferencer(picture, show=False, return_vis=True)
    assert np.array_equal(found['predictions'], expected)
    assert found['visualization'].shape == (48, 64, 3)
    if config.model.type == 'mmvidext.DeepFeatureFlow':
        report = VideoSegmentor(config).segment_video(str(files / 'short.webm'), tmp_path / 'out.mp4')
        assert report.num_frames == 3


@pytest.mark.parametrize('path', of('detection'), ids=name)
def test_detection(path, files, tmp_path):
    """``inference_detector`` and ``DetInferencer`` take an image that belongs to no video."""
    pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")
    from mmdet.apis import DetInferencer, inference_detector, init_detector

    from mmvidext.apis import VideoDetector

    config = shrunk(path)
    picture = str(files / 'frames/img_00001.jpg')
    inferencer = DetInferencer(config, device='cpu', palette='random')
    (found,) = inferencer(picture, no_save_pred=False, return_datasamples=True)['predictions']
    assert found.pred_instances.bboxes.isfinite().all()
    # without options it looks for a backbone at the top of the model
    model = init_detector(config, None, device='cpu', cfg_options={})
    model.load_state_dict(inferencer.model.state_dict())
    for source in (picture, cv2.imread(picture)):
        assert torch.equal(inference_detector(model, source).pred_instances.scores, found.pred_instances.scores)
    if config.model.type == 'mmvidext.DeepFeatureFlowDetector':
        report = VideoDetector(config).detect_video(str(files / 'short.webm'), tmp_path / 'out.mp4')
        assert report.num_frames == 3


@pytest.mark.parametrize('path', of('flow'), ids=name)
def test_flow(path, files):
    first, second = (cv2.imread(str(files / f'frames/img_{number:05}.jpg')) for number in (1, 2))
    flow = FlowInferencer(str(path))(first, second)
    assert flow.shape == (48, 64, 2)
    assert np.isfinite(flow).all()


def test_every_config_is_covered():
    assert sorted(CONFIGS) == sorted([*of('recognition'), *of('segmentation'), *of('detection'), *of('flow')])
