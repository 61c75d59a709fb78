"""Which tab a model gets, what is said of a request, and names on the command line."""

import re
import sys

import numpy as np
import pytest
import torch

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmengine.config import Config

from mmvidext.apis.frame_sources import open_source
from mmvidext.app.limits import Limits
from mmvidext.app.tasks import open_task
from mmvidext.app.upload_folder import UploadFolder
from mmvidext.app.view import table_cell
from mmvidext.app.work import RequestError, work_on
from mmvidext.cli.app import names_of_folders, names_of_models, open_model, split_model
from mmvidext.cli.detect import detect
from mmvidext.datasets.media.video_file import VideoFile
from tests.cli.bad_files import detection, segmentation
from tests.cli.invoke import invoke
from tests.datasets.videos import write_video


def upload_a_clip(folder):
    upload = folder.path / 'a/holiday.webm'
    upload.parent.mkdir()
    write_video(upload, num_frames=6, size=(64, 48))
    return upload


def work_on_it(task, upload, folder):
    """Return the view, and what is told of each frame."""
    frames = []
    view = work_on(task, str(upload), folder=folder, limits=Limits(), on_frame=lambda *numbers: frames.append(numbers))
    return view, frames


def test_segmentation_of_an_upload(tmp_path):
    task = open_task(segmentation(), None, device='cpu')
    with UploadFolder() as folder:
        upload = upload_a_clip(folder)
        view, frames = work_on_it(task, upload, folder)
        assert view.summary == '6 frames, 2 of them key frames'
        assert view.video.stat().st_size > 500
        assert not upload.exists()
        assert frames == [(number, 6) for number in range(1, 7)]
        with pytest.raises(RequestError, match='not here any more'):
            work_on(task, str(upload), folder=folder, limits=Limits(), on_frame=print)
        assert folder.files() == [view.video]


def test_detection_of_an_upload(tmp_path):
    pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")
    from tests.app.detector import write_detector

    task = open_model(write_detector(tmp_path), 'cpu')
    with UploadFolder() as folder:
        view, frames = work_on_it(task, upload_a_clip(folder), folder)
        head, _, *table = view.summary.splitlines()
        assert head == '6 frames, 2 of them key frames'
        assert table[0] == '| class | frames | best score |'
        assert all(re.fullmatch(r'\| class \d+ \| 6 \| 0\.\d\d \|', row) for row in table[2:12])
        assert re.fullmatch(r'and \d+ classes more', table[13])
        assert VideoFile(str(view.video)).num_frames == 6
        assert folder.files() == [view.video]
    assert frames == [(number, 6) for number in range(1, 7)]


def test_a_detector_without_mmdet(tmp_path, monkeypatch):
    config, said = (
        detection(),
        r"needs what is not installed: .*; pip install 'mmvidext\[openmmlab,mmdet\]' installs it",
    )
    monkeypatch.setitem(sys.modules, 'mmdet.registry', None)
    monkeypatch.delitem(sys.modules, 'mmvidext.apis.video_detector', raising=False)
    with pytest.raises(ImportError, match=said):
        open_task(config, None, device='cpu')
    output = invoke(detect, 'config.py', 'none', 'in.mp4', tmp_path / 'out.mp4', status=1)
    assert re.search(said, ' '.join(output.split()))


def test_nothing_is_found(tmp_path):
    pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")
    write_video(tmp_path / 'a.webm', num_frames=1, size=(64, 48))
    task = open_task(detection(), None, device='cpu')
    torch.nn.init.constant_(task.detector.model.detector.bbox_head.retina_cls.bias, -100)
    view = task.run(open_source(tmp_path / 'a.webm'), tmp_path / 'out.mp4', print)
    assert view.summary == '1 frame, 1 of them a key frame\n\nnothing has a score of 0.3 or more'


def test_what_goes_wrong_on_the_server_is_not_told(tmp_path):
    class Broken:
        def run(self, source, out, on_frame):
            raise RuntimeError('CUDA out of memory in /secret/place')

    with UploadFolder() as folder:
        write_video(folder.path / 'a.webm')
        with pytest.raises(RequestError, match=r'^this went wrong on the server, whose log says why$'):
            work_on(Broken(), str(folder.path / 'a.webm'), folder=folder, limits=Limits(), on_frame=np.add)
        assert folder.files() == []


def test_a_model_that_the_page_has_no_more():
    with UploadFolder() as folder:
        with pytest.raises(RequestError, match=r'^this model is not here any more: load the page again$'):
            work_on_it(None, upload_a_clip(folder), folder)
        assert folder.files() == []


def test_a_request_that_ends_at_a_frame_leaves_nothing():
    class Endless:
        def run(self, source, out, on_frame):
            out.touch()
            for number, _ in enumerate(source.frames):
                on_frame(number)

    def end(number, total):
        raise RequestError('the page has ended')

    with UploadFolder() as folder:
        with pytest.raises(RequestError, match=r'^the page has ended$'):
            work_on(Endless(), str(upload_a_clip(folder)), folder=folder, limits=Limits(), on_frame=end)
        assert folder.files() == []


def test_a_model_that_no_tab_shows():
    with pytest.raises(ValueError, match='no tab for a model of the type PackDetector'):
        open_task(Config(dict(model=dict(type='PackDetector'))), None, device='cpu')


def test_models_of_the_command_line():
    with pytest.raises(ValueError, match=r'is a config without weights: write .*=CHECKPOINT'):
        open_model('mmvidext::demo/tsm_r18_camera_demo', 'cpu')
    names = names_of_models(['a/run', 'b/run', 'mmvidext::flownets_sintel=a.pth', 'camera-motion'])
    assert names == ['run', 'run (2)', 'flownets_sintel', 'camera-motion']
    with pytest.raises(ValueError, match=r'a\.webm is a video: upload it on the page'):
        open_model('a.webm', 'cpu')
    assert 'pan left' in open_model('camera-motion', 'cpu').recognizer.classes


def test_names_of_folders_may_have_an_equals_sign(tmp_path):
    config = tmp_path / 'lr=0.01/config.py'
    config.parent.mkdir()
    config.touch()
    assert split_model(f'{config}=lr=0.1/a.pth') == (str(config), 'lr=0.1/a.pth')
    assert split_model(f'{config.parent}') == (str(config.parent), None)
    assert split_model('mmvidext::a=lr=0.1/a.pth') == ('mmvidext::a', 'lr=0.1/a.pth')
    assert names_of_models([str(config.parent), f'{config}=lr=0.1/a.pth']) == ['lr=0.01', 'config']
    assert names_of_folders(['logs/lr=0.01', 'logs/lr=0.1', 'old/lr=0.1']) == ['lr=0.01', 'lr=0.1', 'lr=0.1 (2)']


@pytest.mark.parametrize(
    ('name', 'cell'),
    [
        ('turn left', 'turn left'),
        ('a|b\nc', r'a\|b\\nc'),
        ('<img src=x onerror=run()>', r'\<img src\=x onerror\=run\(\)\>'),
        ('![](http://x/1.png)', r'\!\[\]\(http\:\/\/x\/1\.png\)'),
    ],
)
def test_the_name_of_a_class_is_text_on_the_page(name, cell):
    assert table_cell(name) == cell
