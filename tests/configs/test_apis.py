"""Every pipeline runs on a real file, and configs have what mmseg's API looks for.

The APIs themselves, on every config: tests/sweep/test_configs.py.
"""

import copy

import cv2
import numpy as np
import pytest
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from tests.configs.paths import DEMO, PAPER, load, name
from tests.datasets.videos import write_video

VIDEO_SEGMENTATION = [path for path in [*PAPER, *DEMO] if load(path).model.type == 'mmvidext.DeepFeatureFlow']
RECOGNITION = [path for path in [*PAPER, *DEMO] if load(path).default_scope == 'mmaction']
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
        views = views_of(pipeline) if split != 'train' else 1
        frames = (inputs.shape[0],) if inputs.ndim == 4 else (inputs.shape[0], inputs.shape[2])
        assert frames == ((views * length,) if inputs.ndim == 4 else (views, length))


@pytest.mark.parametrize('path', VIDEO_SEGMENTATION, ids=name)
def test_mmsegs_api_finds_all_it_needs(path):
    config = load(path)
    assert config.test_dataloader.dataset.pipeline == config.test_pipeline
    assert config.test_pipeline[0].type == 'LoadImageFromFile'
    assert config.visualizer.type == 'SegLocalVisualizer'
