"""Pictures of what a training of segmentation sees."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from tests.configs.paths import CONFIGS
from tests.datasets.layouts import write_cityscapes
from tools.analysis.browse_clips import draw_sample, main

PALETTE = np.array([[200, 0, 0], [0, 100, 0]], np.uint8)


@pytest.mark.parametrize('num_frames', [1, 3])
def test_frames_then_the_last_one_under_its_label(num_frames):
    clip = torch.randint(0, 256, (num_frames, 3, 4, 6), dtype=torch.uint8)
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.tensor([[0, 1, 255] * 2] * 4).unsqueeze(0)))
    picture = draw_sample(dict(inputs=clip if num_frames > 1 else clip[0], data_samples=sample), PALETTE)
    assert picture.shape == (4, 6 * (num_frames + 1), 3)
    rgb = clip.flip(1).permute(0, 2, 3, 1).numpy()
    for number in range(num_frames):
        assert (picture[:, 6 * number : 6 * number + 6] == rgb[number]).all()
    labeled = picture[:, -6:].astype(int)
    assert (labeled[:, 2::3] == rgb[-1][:, 2::3]).all()  # ignored
    for column, color in ((0, PALETTE[0]), (1, PALETTE[1])):
        middle = (rgb[-1][:, column].astype(int) + color) / 2
        assert np.abs(labeled[:, column] - middle).max() <= 1


def test_without_label():
    clip = torch.zeros(2, 3, 4, 6, dtype=torch.uint8)
    assert draw_sample(dict(inputs=clip, data_samples=SegDataSample()), PALETTE).shape == (4, 12, 3)


@pytest.mark.parametrize(('name', 'columns'), [('dff_pspnet_r18_demo', 3), ('pspnet_r18_demo', 2)])
def test_the_command(name, columns, tmp_path, monkeypatch, capsys):
    root = tmp_path / 'data' / 'synthetic_cityscapes'
    write_cityscapes(root, size=(256, 128))
    for folder in ('leftImg8bit_sequence', 'gtFine'):
        (root / folder / 'val').rename(root / folder / 'train')
    monkeypatch.chdir(tmp_path)
    main([str(CONFIGS / 'demo' / f'{name}.py'), 'out', '--number', '5'])
    (path,) = (tmp_path / 'out').iterdir()
    height, width = cv2.imread(str(path)).shape[:2]
    assert width == columns * 256
    assert height == 128
    assert capsys.readouterr().out == '1 of 1 samples of train are in out\n'
