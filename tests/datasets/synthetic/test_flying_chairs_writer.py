import json
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mmvidext.datasets.synthetic import flying_chairs_writer
from mmvidext.datasets.synthetic.flying_chairs_writer import write_flying_chairs
from mmvidext.datasets.synthetic.random_scene import SceneOptions, random_scene

OPTIONS = SceneOptions((64, 48), 2, 10.0)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('chairs')
    write_flying_chairs(path, OPTIONS, num_train=4, num_val=2)
    return path


def test_layout_is_that_of_flying_chairs(folder):
    names = sorted(path.name for path in (folder / 'data').iterdir())
    assert names == sorted(
        f'{number:05d}_{suffix}' for number in range(1, 7) for suffix in ('flow.flo', 'img1.ppm', 'img2.ppm')
    )
    lines = (folder / 'FlyingChairs_train_val.txt').read_text().splitlines()
    assert sorted(lines) == ['1'] * 4 + ['2'] * 2


def test_the_bytes_of_a_flow_file(folder):
    content = (folder / 'data/00003_flow.flo').read_bytes()
    magic, width, height = struct.unpack('<4sii', content[:12])
    assert (magic, width, height) == (b'PIEH', 64, 48)
    flow = np.frombuffer(content[12:], '<f4').reshape(48, 64, 2)
    np.testing.assert_array_equal(flow, random_scene(np.random.default_rng([0, 3]), OPTIONS).flow(0))


def test_the_bytes_of_a_picture(folder):
    content = (folder / 'data/00003_img2.ppm').read_bytes()
    assert content.startswith(b'P6\n64 48\n255\n')
    image = np.frombuffer(content[-64 * 48 * 3 :], np.uint8).reshape(48, 64, 3)
    np.testing.assert_array_equal(image, random_scene(np.random.default_rng([0, 3]), OPTIONS).view(1).image)
    np.testing.assert_array_equal(cv2.imread(str(folder / 'data/00003_img2.ppm'))[..., ::-1], image)


def test_our_reader_reads_it(folder):
    from mmvidext.datasets.flying_chairs import FlyingChairsDataset

    assert len(FlyingChairsDataset(str(folder), split='train', pipeline=[])) == 4
    assert len(FlyingChairsDataset(str(folder), split='val', pipeline=[])) == 2


def test_a_second_run_writes_only_what_is_missing(folder, monkeypatch):
    path = folder / 'data/00002_flow.flo'
    content = path.read_bytes()
    path.unlink()
    made = []
    monkeypatch.setattr(flying_chairs_writer, 'random_scene', lambda *args: made.append(1) or random_scene(*args))
    write_flying_chairs(folder, OPTIONS, num_train=4, num_val=2)
    assert len(made) == 1
    assert path.read_bytes() == content


def test_errors(folder, tmp_path):
    with pytest.raises(ValueError, match=r'filled with other settings: thin_objects 0 \(now 3\)'):
        write_flying_chairs(folder, SceneOptions((64, 48), 2, 10.0, thin_objects=3), num_train=4, num_val=2)
    with pytest.raises(ValueError, match='num_frames is 3, num_train 4 and num_val 2'):
        write_flying_chairs(tmp_path, SceneOptions((64, 48), 3, 10.0), num_train=4, num_val=2)
    (tmp_path / 'FlyingChairs_train_val.txt').touch()
    with pytest.raises(
        ValueError, match=r'holds other files, such as FlyingChairs_train_val\.txt: choose a new folder'
    ):
        write_flying_chairs(tmp_path, OPTIONS, num_train=2, num_val=1)


def test_a_folder_that_is_older_than_a_setting_goes_on(tmp_path):
    write_flying_chairs(tmp_path, OPTIONS, num_train=2, num_val=1)
    recipe = tmp_path / 'synthetic.json'
    settings = json.loads(recipe.read_text())
    assert settings.pop('keep_in_view') is False
    recipe.write_text(json.dumps(settings))
    write_flying_chairs(tmp_path, OPTIONS, num_train=2, num_val=1)
    with pytest.raises(ValueError, match=r'filled with other settings: keep_in_view None \(now True\)'):
        write_flying_chairs(tmp_path, replace(OPTIONS, keep_in_view=True), num_train=2, num_val=1)
    for damaged in ('{', '[1]', '[' * 100_000):
        recipe.write_text(damaged)
        with pytest.raises(ValueError, match=r'synthetic\.json is damaged: choose another folder'):
            write_flying_chairs(tmp_path, OPTIONS, num_train=2, num_val=1)
