from types import SimpleNamespace

import cv2
import pytest
import torch

pytest.importorskip('mmaction')

from mmaction.structures import ActionDataSample

from mmvidext.engine import ClipPictureHook, RunError, VisualizationHook


def bare(count):
    """Return samples that do not say which clip they are of."""
    return [ActionDataSample().set_gt_label(1).set_pred_score(torch.tensor([0.7, 0.3])) for _ in range(count)]


def samples(count):
    found = []
    for number in range(count):
        sample = bare(1)[0]
        sample.set_metainfo(dict(filename=f'videos/{number}.webm'))
        found.append(sample)
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
    assert sorted(path.name for path in tmp_path.iterdir()) == ['000000_0_0.png', '000002_2_0.png']
    picture = cv2.imread(str(tmp_path / '000000_0_0.png'))[..., ::-1]
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
    assert drawn == [('000000_0', (24, 16, 3), 3)]


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
    with pytest.raises(RunError, match=r'/file/000000_0_0\.png cannot be written: File exists$'):
        hook.after_test_iter(None, 0, dict(inputs=[torch.zeros(2, 3, 8, 8)]), samples(1))


@pytest.mark.parametrize('hook_type', [VisualizationHook, ClipPictureHook])
def test_no_picture_replaces_that_of_another_clip(hook_type, tmp_path, monkeypatch):
    """Of the same name in another folder, or of another process; and folders of frames have names too."""
    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo={})))
    paths = [dict(filename='cat/1.mp4'), dict(filename='dog/1.mp4'), dict(frame_dir='frames/a.b'), dict()]
    for rank in range(2):
        monkeypatch.setattr('mmvidext.engine.visualization_hook.get_dist_info', lambda rank=rank: (rank, 2))
        clips = [sample.set_metainfo(path) or sample for sample, path in zip(bare(2), paths[rank::2], strict=True)]
        hook = hook_type(out_dir=str(tmp_path), enable=True)
        hook.after_test_iter(runner, 0, dict(inputs=[torch.zeros(2, 3, 8, 8)] * 2), clips)
    names = sorted(path.name.removesuffix('.png').removesuffix('_0') for path in tmp_path.iterdir())
    assert names == ['000000_1', '000001_1', '000002_a.b', '000003_clip']
