import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.structures import SegDataSample

from mmvidext.models.data_preprocessors import VideoSegDataPreProcessor

NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)


def clip(num_frames=2, size=(6, 10)):
    return torch.randint(256, (num_frames, 3, *size), dtype=torch.uint8)


def sample(size=(6, 10)):
    result = SegDataSample()
    result.gt_sem_seg = PixelData(data=torch.zeros(1, *size, dtype=torch.int64))
    return result


@pytest.mark.parametrize('kwargs', [dict(size=(8, 16)), dict(size_divisor=8)])
def test_every_frame_is_treated_as_mmseg_treats_an_image(kwargs):
    frames = clip()
    output = VideoSegDataPreProcessor(**NORM, **kwargs)({'inputs': [frames], 'data_samples': [sample()]}, training=True)
    for index, frame in enumerate(frames):
        expected = SegDataPreProcessor(**NORM, **kwargs)({'inputs': [frame], 'data_samples': [sample()]}, training=True)
        assert torch.equal(output['inputs'][:, index], expected['inputs'])
    assert output['data_samples'][0].gt_sem_seg.data.shape == (1, 8, 16)
    assert output['data_samples'][0].padding_size == expected['data_samples'][0].padding_size


def test_test_time_padding_is_noted():
    preprocessor = VideoSegDataPreProcessor(**NORM, test_cfg=dict(size_divisor=8))
    output = preprocessor({'inputs': [clip()], 'data_samples': [sample()]})
    assert output['inputs'].shape == (1, 2, 3, 8, 16)
    assert output['data_samples'][0].img_padding_size == (0, 6, 0, 2)


def test_an_image_is_a_clip_of_one_frame():
    assert VideoSegDataPreProcessor(**NORM)({'inputs': [clip()[0]]})['inputs'].shape == (1, 1, 3, 6, 10)


@pytest.mark.parametrize('norm', [NORM, {}])
def test_denormalize_gives_the_pixels_back(norm):
    frames = clip()
    preprocessor = VideoSegDataPreProcessor(**norm)
    pixels = preprocessor.denormalize(preprocessor({'inputs': [frames]})['inputs'])[0]
    torch.testing.assert_close(pixels, (frames[:, [2, 1, 0]] if norm else frames).float(), atol=1e-4, rtol=0)


def test_errors_by_message():
    preprocessor = VideoSegDataPreProcessor(**NORM)
    with pytest.raises(ValueError, match='same number of frames, but got'):
        preprocessor({'inputs': [clip(2), clip(3)]})
    with pytest.raises(ValueError, match='must have the same size, but got'):
        preprocessor({'inputs': [clip(), clip(size=(8, 8))]})
    with pytest.raises(ValueError, match=r'must be a clip \(T, 3, H, W\) or an image'):
        preprocessor({'inputs': [torch.zeros(2, 4, 6, 6)]})
    with pytest.raises(ValueError, match='batch_augments must be empty'):
        VideoSegDataPreProcessor(batch_augments=[dict(type='CutMix')])
