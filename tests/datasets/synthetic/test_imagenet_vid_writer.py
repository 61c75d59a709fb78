import numpy as np
import pytest

from mmvidext.datasets.imagenet_vid import ImageNetVIDDataset
from mmvidext.datasets.imagenet_vid_classes import VID_CLASSES
from mmvidext.datasets.imagenet_vid_lists import read_frame_list, read_video_list
from mmvidext.datasets.media.images import read_rgb
from mmvidext.datasets.synthetic.imagenet_vid_writer import GENERATED_CLASSES, LEAST_PIXELS, write_imagenet_vid
from mmvidext.datasets.synthetic.random_scene import THINGS, SceneOptions, random_scene
from mmvidext.datasets.vid_annotation import read_vid_annotation

OPTIONS = SceneOptions((64, 48), 20, 3.0)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('vid')
    write_imagenet_vid(path, OPTIONS, num_train=2, num_val=2)
    return path


def test_lists(folder):
    train = read_frame_list(str(folder / 'ImageSets/VID_train_15frames.txt'))
    assert len(train) == 2 * 15
    assert {line.num_frames for line in train} == {20}
    assert {frame for line in train for frame in line.frames} >= {0, 19}
    val = read_video_list(str(folder / 'ImageSets/VID_val_videos.txt'))
    assert [(line.path, line.first_number) for line in val] == [('val/val_00000000', 1), ('val/val_00000001', 21)]


def test_boxes_bound_what_is_visible(folder):
    dataset = ImageNetVIDDataset(str(folder), video_list='VID_val_videos.txt', test_mode=True)
    scene = random_scene(np.random.default_rng([0, 1, 1]), OPTIONS)
    classes = {kind.train_id: VID_CLASSES[name] for kind, name in zip(THINGS, GENERATED_CLASSES, strict=True)}
    seen = set()
    for frame in (0, 7, 19):
        sample = dataset.get_data_info(20 + frame)
        view = scene.view(frame)
        assert np.abs(read_rgb(sample['img_path']).astype(int) - view.image).mean() < 8  # JPEG
        objects = read_vid_annotation(sample['ann_path']).objects
        for item in objects:
            mask = view.layers == item.track_id
            rows, columns = np.nonzero(mask)
            assert item.box == (columns.min(), rows.min(), columns.max(), rows.max())
            assert item.wordnet_id == classes[int(view.classes[mask][0])]
        large = {track for track in np.unique(view.layers)[1:] if (view.layers == track).sum() >= LEAST_PIXELS}
        assert {item.track_id for item in objects} == large
        seen |= large
    assert len(seen) > 2


def test_a_second_run_keeps_what_is_there(folder):
    path = folder / 'Annotations/VID/val/val_00000000/000019.xml'
    before = path.stat().st_mtime_ns
    write_imagenet_vid(folder, OPTIONS, num_train=2, num_val=2)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match='was filled with other settings: train 2'):
        write_imagenet_vid(folder, OPTIONS, num_train=3, num_val=2)


@pytest.mark.parametrize(
    'arguments', [dict(num_train=-1), dict(options=SceneOptions((64, 48), 2, 3.0, thin_objects=1))]
)
def test_wrong_arguments(arguments, tmp_path):
    with pytest.raises(ValueError, match='counts must be 0 or more and thin objects 0'):
        write_imagenet_vid(tmp_path, **{'options': OPTIONS, **arguments})
