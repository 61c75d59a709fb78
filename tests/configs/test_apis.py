"""mmaction2's own API gives what testing gives, and every pipeline runs on a real file."""

import copy
import itertools

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint, save_checkpoint

from tests.configs.paths import DEMO, PAPER, load, name
from tests.datasets.videos import write_video

VIDEO_SEGMENTATION = [path for path in [*PAPER, *DEMO] if load(path).model.type == 'mmvidext.DeepFeatureFlow']
RECOGNITION = [path for path in [*PAPER, *DEMO] if load(path).default_scope == 'mmaction']
DEMO_RECOGNITION = [path for path in RECOGNITION if path in DEMO]
NUM_FRAMES = 40


@pytest.fixture(scope='module')
def clips(tmp_path_factory):
    """Two videos with a list of them, and one as a folder of frames."""
    folder = tmp_path_factory.mktemp('clips')
    for label in (0, 1):
        write_video(folder / f'{label}.webm', num_frames=NUM_FRAMES, size=(96, 72), seed=label)
    (folder / 'list.txt').write_text('0.webm 0\n1.webm 1\n')
    (folder / 'frames').mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (72, 96, 3), np.uint8)
    for number in range(1, NUM_FRAMES + 1):
        cv2.imwrite(str(folder / 'frames' / f'{number:05}.jpg'), picture)
    return folder


def views_of(pipeline):
    """Return how many views a test pipeline makes of a video."""
    (sample,) = (step for step in pipeline if 'Sample' in step.type)
    crops = 3 if any(step.type == 'ThreeCrop' for step in pipeline) else 1
    if sample.type == 'DenseSampleFrames':
        return 10 * crops
    clips = sample.get('num_clips', 1) if sample.clip_len > 1 else 2 if sample.get('twice_sample') else 1
    return clips * crops


@pytest.mark.parametrize('path', RECOGNITION, ids=name)
def test_pipelines_run(path, clips):
    config = load(path)
    init_default_scope(config.default_scope)
    source = dict(label=0, start_index=0, modality='RGB', filename=str(clips / '0.webm'))
    if any(step.type == 'RawFrameDecode' for step in config.test_pipeline):
        source = dict(frame_dir=str(clips / 'frames'), filename_tmpl='{:05}.jpg', total_frames=NUM_FRAMES)
        source |= dict(label=0, start_index=1, modality='RGB')
    length = config.get('num_segments', config.get('clip_len'))
    for split in ('train', 'val', 'test'):
        pipeline = copy.deepcopy(config[f'{split}_pipeline'])
        inputs = Compose(pipeline)(dict(source, test_mode=split != 'train'))['inputs']
        views = views_of(pipeline) if split == 'test' else 1
        frames = (inputs.shape[0],) if inputs.ndim == 4 else (inputs.shape[0], inputs.shape[2])
        assert frames == ((views * length,) if inputs.ndim == 4 else (views, length))


def small(path, clips, work_dir):
    """Return the config on the clips, without worker processes."""
    config = Config.fromfile(path)
    config.work_dir = str(work_dir)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.update(batch_size=1, num_workers=0, persistent_workers=False)
        loader.dataset.update(ann_file=str(clips / 'list.txt'), data_prefix=dict(video=str(clips)))
    config.default_hooks.checkpoint.save_best = None
    return config


@pytest.mark.parametrize('path', DEMO_RECOGNITION, ids=name)
def test_inference_recognizer_gives_what_testing_gives(path, clips, tmp_path):
    from mmaction.apis import inference_recognizer, init_recognizer

    config = small(path, clips, tmp_path)
    runner = Runner.from_cfg(config)
    torch.manual_seed(0)
    runner.model.init_weights()
    save_checkpoint(dict(state_dict=runner.model.state_dict(), meta={}), str(tmp_path / 'weights.pth'))
    load_checkpoint(runner.model, str(tmp_path / 'weights.pth'))
    runner.model.eval()
    with torch.no_grad():
        tested = [sample for batch in runner.test_dataloader for sample in runner.model.test_step(batch)]
    model = init_recognizer(str(path), str(tmp_path / 'weights.pth'), device='cpu')
    for label, sample in zip(itertools.count(), tested, strict=False):
        found = inference_recognizer(model, str(clips / f'{label}.webm'))
        assert torch.allclose(found.pred_score, sample.pred_score, atol=1e-6)
    assert len(tested) == 2


def test_the_inferencer_finds_all_it_needs(clips, tmp_path):
    """It reads with decord whatever the config says, so a frame may differ by the rounding of its colors."""
    pytest.importorskip('decord')
    from mmaction.apis import inference_recognizer, init_recognizer
    from mmaction.apis.inferencers import MMAction2Inferencer

    path, weights = DEMO_RECOGNITION[0], str(tmp_path / 'weights.pth')
    model = Runner.from_cfg(small(path, clips, tmp_path)).model
    save_checkpoint(dict(state_dict=model.state_dict(), meta={}), weights)
    inferencer = MMAction2Inferencer(rec=str(path), rec_weights=weights, device='cpu', input_format='video')
    (found,) = inferencer(str(clips / '0.webm'), pred_out_file='')['predictions']
    expected = inference_recognizer(init_recognizer(str(path), weights, device='cpu'), str(clips / '0.webm'))
    assert found['rec_scores'][0] == pytest.approx(expected.pred_score.tolist(), abs=0.02)
    assert type(inferencer.actionrecog_inferencer.visualizer).__name__ == 'ActionVisualizer'


@pytest.mark.parametrize('path', VIDEO_SEGMENTATION, ids=name)
def test_mmsegs_api_finds_all_it_needs(path):
    config = load(path)
    assert config.test_dataloader.dataset.pipeline == config.test_pipeline
    assert config.test_pipeline[0].type == 'LoadImageFromFile'
    assert config.visualizer.type == 'SegLocalVisualizer'


@pytest.mark.parametrize('path', [path for path in VIDEO_SEGMENTATION if path in DEMO], ids=name)
def test_mmsegs_inferencer_and_inference_model(path, tmp_path):
    """On an image that belongs to no video; the weights are random."""
    from mmengine.registry import MODELS
    from mmseg.apis import MMSegInferencer, inference_model

    config = Config.fromfile(path)  # not the shared one: the inferencer changes its pipeline
    init_default_scope('mmseg')
    weights = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict(), meta={}), weights)
    picture = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    inferencer = MMSegInferencer(config, str(weights), device='cpu', dataset_name='cityscapes')
    found = inferencer(picture, show=False, return_vis=True)
    assert found['predictions'].shape == (64, 128)
    assert found['visualization'].shape == (64, 128, 3)
    inferencer.model.cfg = config
    expected = inference_model(inferencer.model, picture).pred_sem_seg.data.squeeze(0)
    assert np.array_equal(found['predictions'], expected)
