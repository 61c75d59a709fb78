import json

import decord
import numpy as np
import pytest

from mmvidext.datasets.synthetic import sthv2_writer
from mmvidext.datasets.synthetic.motion import MOTIONS
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2

SMALL = dict(num_train=12, num_val=6, size=(32, 24), num_frames=4)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('sthv2')
    write_sthv2(path, **SMALL)
    return path


def load(folder, name):
    return json.loads((folder / f'something-something-v2-{name}.json').read_text())


def test_layout_is_that_of_the_release(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        'something-something-v2-labels.json',
        'something-something-v2-train.json',
        'something-something-v2-validation.json',
        'synthetic.json',
        'videos',
    ]
    labels = load(folder, 'labels')
    assert list(labels.values()) == [str(index) for index in range(6)]
    items = load(folder, 'train') + load(folder, 'validation')
    assert {f'{item["id"]}.webm' for item in items} == {path.name for path in (folder / 'videos').iterdir()}
    for item in items:
        assert sorted(item) == ['id', 'label', 'placeholders', 'template']
        assert isinstance(item['id'], str)
        assert item['template'].replace('[', '').replace(']', '') in labels
        assert item['label'] == item['template'].replace('[something]', item['placeholders'][0]).lower()


def test_labels_are_balanced(folder):
    for split, each in (('train', 2), ('validation', 1)):
        templates = [item['template'] for item in load(folder, split)]
        assert all(templates.count(motion.template) == each for motion in MOTIONS)


def test_videos_are_vp9_in_webm_and_show_the_scene(folder):
    item = load(folder, 'train')[0]
    path = folder / 'videos' / f'{item["id"]}.webm'
    content = path.read_bytes()
    assert content[:4] == b'\x1a\x45\xdf\xa3'
    assert b'webm' in content[:64]
    assert b'V_VP9' in content
    reader = decord.VideoReader(str(path), num_threads=1)
    assert len(reader) == 4
    assert reader.get_avg_fps() == 12
    label = [motion.template for motion in MOTIONS].index(item['template'])
    rng = np.random.default_rng([0, int(item['id'])])
    shape = item['placeholders'][0].split()[1]
    scene = sthv2_writer.motion_scene(rng, label, shape=shape, size=(32, 24), num_frames=4)
    for frame in range(4):
        difference = np.abs(reader[frame].asnumpy().astype(int) - scene.view(frame).image)
        assert difference.mean() < 12  # compression


def test_a_second_run_writes_only_what_is_missing(folder, tmp_path):
    write_sthv2(tmp_path, **SMALL)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / 'videos').iterdir()}
    (tmp_path / 'videos' / '3.webm').unlink()
    (tmp_path / 'something-something-v2-train.json').unlink()
    write_sthv2(tmp_path, **SMALL)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / 'videos').iterdir()}
    assert {name for name in after if after[name] != before[name]} == {'3.webm'}
    for name in ('train', 'validation', 'labels'):
        assert load(tmp_path, name) == load(folder, name)


def test_an_interrupted_run_leaves_only_whole_files(tmp_path, monkeypatch):
    calls = []

    def interrupted(*args, **kwargs):
        calls.append(args)
        scene = original(*args, **kwargs)
        if len(calls) == 3:
            monkeypatch.setattr(type(scene), 'view', stop_at_second_frame)
        return scene

    def stop_at_second_frame(scene, frame):
        if frame == 1:
            raise KeyboardInterrupt
        return view(scene, frame)

    original, view = sthv2_writer.motion_scene, sthv2_writer.motion_scene.__globals__['Scene'].view
    monkeypatch.setattr(sthv2_writer, 'motion_scene', interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_sthv2(tmp_path, **SMALL)
    assert len(list((tmp_path / 'videos').iterdir())) == 2
    assert not list(tmp_path.glob('*train*'))


def test_other_settings_need_another_folder(folder):
    with pytest.raises(ValueError, match=r'filled with other settings: seed 0 \(now 1\), train 12 \(now 24\)\. Choose'):
        write_sthv2(folder, **{**SMALL, 'num_train': 24}, seed=1)


@pytest.mark.parametrize('change', [dict(num_train=-1), dict(num_frames=1), dict(size=(33, 24)), dict(size=(32, 8))])
def test_numbers_out_of_range(tmp_path, change):
    with pytest.raises(
        ValueError, match='at least 2 frames, even sides of at least 16 pixels, and counts of 0 or more'
    ):
        write_sthv2(tmp_path, **{**SMALL, **change})
    assert not list(tmp_path.iterdir())


def test_processes_write_the_same(folder, tmp_path):
    write_sthv2(tmp_path, **SMALL, workers=2)
    for path in (folder / 'videos').iterdir():
        pictures = [
            decord.VideoReader(str(each), num_threads=1).get_batch(range(4)).asnumpy()
            for each in (path, tmp_path / 'videos' / path.name)
        ]
        np.testing.assert_array_equal(*pictures)


def test_clips_of_a_turning_camera(tmp_path):
    write_sthv2(tmp_path, **SMALL, camera=True)
    labels = load(tmp_path, 'labels')
    assert list(labels.values()) == ['0', '1', '2', '3']
    assert all(name.startswith('Turning the camera') for name in labels)
    item = load(tmp_path, 'train')[0]
    assert item['template'].replace('[', '').replace(']', '') in labels
    with pytest.raises(ValueError, match=r'travel_only, camera and textures ask for clips of different kinds'):
        write_sthv2(tmp_path / 'other', **SMALL, camera=True, travel_only=True)
