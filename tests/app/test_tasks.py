"""Which tab a model gets, what is said of a request, and names on the command line."""

import numpy as np
import pytest

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmengine.config import Config

from mmvidext.app.limits import Limits
from mmvidext.app.tasks import open_task
from mmvidext.app.upload_folder import UploadFolder
from mmvidext.app.work import RequestError, work_on
from mmvidext.cli.app import names_of, open_model
from tests.cli.bad_files import segmentation
from tests.datasets.videos import write_video


def test_segmentation_of_an_upload(tmp_path):
    task, frames = open_task(segmentation(), None, device='cpu'), []
    with UploadFolder() as folder:
        upload = folder.path / 'a/holiday.webm'
        upload.parent.mkdir()
        write_video(upload, num_frames=6, size=(64, 48))
        view = work_on(
            task, str(upload), folder=folder, limits=Limits(), on_frame=lambda *numbers: frames.append(numbers)
        )
        assert view.summary == '6 frames, 2 of them key frames'
        assert view.video.stat().st_size > 500
        assert not upload.exists()
        assert frames == [(number, 6) for number in range(1, 7)]
        with pytest.raises(RequestError, match='not here any more'):
            work_on(task, str(upload), folder=folder, limits=Limits(), on_frame=print)
        assert folder.files() == [view.video]


def test_what_goes_wrong_on_the_server_is_not_told(tmp_path):
    class Broken:
        def run(self, source, out, on_frame):
            raise RuntimeError('CUDA out of memory in /secret/place')

    with UploadFolder() as folder:
        write_video(folder.path / 'a.webm')
        with pytest.raises(RequestError, match=r'^this went wrong on the server, whose log says why$'):
            work_on(Broken(), str(folder.path / 'a.webm'), folder=folder, limits=Limits(), on_frame=np.add)
        assert folder.files() == []


def test_a_model_that_no_tab_shows():
    with pytest.raises(ValueError, match='no tab for a model of the type PackDetector'):
        open_task(Config(dict(model=dict(type='PackDetector'))), None, device='cpu')


def test_models_of_the_command_line():
    with pytest.raises(ValueError, match=r'is a config without weights: write .*=CHECKPOINT'):
        open_model('mmvidext::demo/tsm_r18_camera_demo', 'cpu')
    names = names_of(['a/run', 'b/run', 'mmvidext::flownets_sintel=a.pth', 'camera-motion'])
    assert list(names) == ['run', 'run (2)', 'flownets_sintel', 'camera-motion']
    assert 'pan left' in open_model('camera-motion', 'cpu').recognizer.classes
