from types import SimpleNamespace

import cv2
import pytest
import torch

pytest.importorskip('mmaction')

from mmaction.structures import ActionDataSample

from mmvidext.engine import ClipPictureHook, RunError, VisualizationHook


def samples(count):
    found = []
    for number in range(count):
        sample = ActionDataSample(metainfo=dict(filename=f'videos/{number}.webm'))
        found.append(sample.set_gt_label(1).set_pred_score(torch.tensor([0.7, 0.3])))
    return found


@pytest.mark.parametrize('shape', [(2, 3, 64, 48), (1, 3, 2, 64, 48)], ids=['2D', '3D'])
def test_every_second_clip_is_drawn(tmp_path, shape):
    hook = VisualizationHook(str(tmp_path), interval=2)
    hook.before_test_epoch(None)
    inputs = [torch.zeros(shape, dtype=torch.uint8) for _ in range(3)]
    for value in inputs:
        value.select(1, 0)[...] = 200  # red
    for batch in (slice(0, 1), slice(1, 3)):
        hook.after_test_iter(None, 0, dict(inputs=inputs[batch]), samples(3)[batch])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['0.webm_0.png', '2.webm_0.png']
    picture = cv2.imread(str(tmp_path / '0.webm_0.png'))[..., ::-1]
    assert picture.shape == (64 + 16, 2 * 48, 3)
    assert (picture[16:] == (200, 0, 0)).all()
    assert picture[:16].any()


def test_the_visualizer_gets_the_picture_where_no_folder_is_given():
    drawn = []
    visualizer = SimpleNamespace(add_image=lambda name, picture, step: drawn.append((name, picture.shape, step)))
    runner = SimpleNamespace(epoch=3, visualizer=visualizer)
    batch = dict(inputs=[torch.zeros(2, 3, 8, 8)])
    VisualizationHook().after_val_iter(runner, 0, batch, samples(1))
    VisualizationHook(enable=False).after_val_iter(runner, 0, batch, samples(1))
    assert drawn == [('0.webm', (24, 16, 3), 3)]


def test_interval():
    with pytest.raises(ValueError, match='interval must be at least 1, but is 0'):
        VisualizationHook(interval=0)


def test_clips_are_numbered_through_whatever_the_size_of_a_batch(tmp_path):
    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo={})))
    hook = ClipPictureHook(enable=True, out_dir=str(tmp_path))
    hook.before_test_epoch(runner)
    for number, batch in enumerate((slice(0, 2), slice(2, 3))):
        inputs = [torch.zeros(2, 3, 8, 8)] * len(samples(3)[batch])
        hook.after_test_iter(runner, number, dict(inputs=inputs), samples(3)[batch])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['000000_0.png', '000001_1.png', '000002_2.png']


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    hook = VisualizationHook(str(tmp_path / 'file'))
    with pytest.raises(RunError, match=r'/file/0\.webm_0\.png cannot be written: File exists$'):
        hook.after_test_iter(None, 0, dict(inputs=[torch.zeros(2, 3, 8, 8)]), samples(1))
