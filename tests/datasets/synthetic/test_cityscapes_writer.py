import re

import cv2
import numpy as np
import pytest

from mmvidext.datasets.synthetic import cityscapes_writer
from mmvidext.datasets.synthetic.cityscapes_writer import write_cityscapes
from mmvidext.datasets.synthetic.random_scene import SceneOptions, random_scene

OPTIONS = SceneOptions((64, 32), 6, 3.0)
STEM = re.compile(r'generated_(\d{6})_(\d{6})_(leftImg8bit|gtFine_labelTrainIds)\.png')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('cityscapes')
    write_cityscapes(path, OPTIONS, num_train=8, num_val=2)
    return path


def numbers(folder, kind, split='train'):
    return sorted(
        tuple(int(value) for value in STEM.fullmatch(path.name).groups()[:2])
        for path in (folder / kind / split / 'generated').iterdir()
    )


def test_layout_is_that_of_cityscapes(folder):
    assert sorted(path.name for path in folder.iterdir()) == ['gtFine', 'leftImg8bit_sequence', 'synthetic.json']
    for split, count in (('train', 8), ('val', 2)):
        labeled, frames = numbers(folder, 'gtFine', split), numbers(folder, 'leftImg8bit_sequence', split)
        assert [sequence for sequence, _ in labeled] == list(range(count))
        assert set(labeled) <= set(frames)
        for sequence in range(count):
            run = [frame for number, frame in frames if number == sequence]
            assert run == list(range(run[0], run[0] + 6))


def test_the_labeled_frame_is_not_always_at_the_same_place(folder):
    first = {}
    for sequence, frame in numbers(folder, 'leftImg8bit_sequence'):
        first.setdefault(sequence, frame)
    places = [frame - first[sequence] for sequence, frame in numbers(folder, 'gtFine')]
    assert places.count(3) > len(places) / 2
    assert len(set(places)) > 1


def test_pictures_and_labels_are_those_of_the_scene(folder):
    scene = random_scene(np.random.default_rng([0, 1, 0, 0]), OPTIONS)  # the first validation snippet
    paths = sorted((folder / 'leftImg8bit_sequence/val/generated').glob('generated_000000_*'))
    for position, path in enumerate(paths):
        np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], scene.view(position).image)
    [label] = (folder / 'gtFine/val/generated').glob('generated_000000_*')
    position = [path.name[:23] for path in paths].index(label.name[:23])
    labels = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, scene.view(position).classes)


def test_every_frame_can_be_labeled(tmp_path):
    write_cityscapes(tmp_path, OPTIONS, num_train=0, num_val=1, label_every_frame=True)
    assert numbers(tmp_path, 'gtFine', 'val') == numbers(tmp_path, 'leftImg8bit_sequence', 'val')


def test_a_second_run_writes_only_what_is_missing(folder, monkeypatch):
    labels = sorted((folder / 'gtFine/train/generated').iterdir())
    content = labels[2].read_bytes()
    labels[2].unlink()
    made = []
    monkeypatch.setattr(cityscapes_writer, 'random_scene', lambda *args: made.append(1) or random_scene(*args))
    write_cityscapes(folder, OPTIONS, num_train=8, num_val=2)
    assert len(made) == 1
    assert labels[2].read_bytes() == content


def test_errors(folder, tmp_path):
    with pytest.raises(ValueError, match=r'filled with other settings: max_displacement 3\.0 \(now 9\.0\)'):
        write_cityscapes(folder, SceneOptions((64, 32), 6, 9.0), num_train=8, num_val=2)
    with pytest.raises(ValueError, match='num_train is -1 and num_val 2'):
        write_cityscapes(tmp_path, OPTIONS, num_train=-1, num_val=2)
