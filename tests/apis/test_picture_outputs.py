import cv2
import numpy as np
import pytest

from mmvidext.apis.picture_outputs import PictureFolder, check_outputs, open_pictures
from mmvidext.apis.video_files import VideoWriter
from mmvidext.datasets.media.images import write_picture


def test_a_suffix_chooses_a_video_and_none_a_folder(tmp_path):
    assert isinstance(open_pictures(tmp_path / 'a.MP4', 25), VideoWriter)
    assert isinstance(open_pictures(tmp_path / 'a', 25), PictureFolder)
    (tmp_path / 'a.b').mkdir()
    assert isinstance(open_pictures(tmp_path / 'a.b', 25), PictureFolder)
    with pytest.raises(ValueError, match=r'a\.gif must be a video \(\.mp4, .*\), or have no suffix'):
        open_pictures(tmp_path / 'a.gif', 25)
    with pytest.raises(ValueError, match=r'masks\.png must be a folder'):
        PictureFolder(tmp_path / 'masks.png')


@pytest.mark.parametrize(('highest', 'kind'), [(255, np.uint8), (300, np.uint16), (65535, np.uint16)])
def test_labels_are_kept_exactly(tmp_path, highest, kind):
    labels = np.array([[0, 1], [7, highest]], np.uint8 if highest < 256 else np.int32)
    with PictureFolder(tmp_path / 'masks') as folder:
        folder.write(labels)
        folder.write(labels.T)
    read = [cv2.imread(str(tmp_path / 'masks' / f'00000{i}.png'), cv2.IMREAD_UNCHANGED) for i in (1, 2)]
    np.testing.assert_array_equal(read, [labels, labels.T])
    assert read[0].dtype == kind


def test_pictures_are_rgb(tmp_path):
    write_picture(tmp_path / 'new' / 'a.png', np.full((4, 6, 3), (255, 0, 0), np.uint8))
    assert cv2.imread(str(tmp_path / 'new' / 'a.png'))[0, 0].tolist() == [0, 0, 255]


def test_what_cannot_be_written(tmp_path):
    picture = np.zeros((4, 6, 3), np.uint8)
    (tmp_path / 'file').touch()
    for path, kind, message in (
        ('a.what', ValueError, 'its suffix is not that of a picture'),
        ('file/a.png', OSError, r'a\.png cannot be written'),
    ):
        with pytest.raises(kind, match=message):
            write_picture(tmp_path / path, picture)
    for label in (-1, 2**16):
        with pytest.raises(ValueError, match='labels must be from 0 to 65535'):
            write_picture(tmp_path / 'a.png', np.full((2, 2), label))


class TestCheckOutputs:
    def test_an_input_under_any_name(self, tmp_path):
        source = tmp_path / 'in.mp4'
        source.touch()
        (tmp_path / 'folder').symlink_to(tmp_path)
        (tmp_path / 'link.mp4').symlink_to(source)
        (tmp_path / 'link of link.mp4').symlink_to(tmp_path / 'link.mp4')
        (tmp_path / 'hard.mp4').hardlink_to(source)
        names = ('in.mp4', 'link.mp4', 'link of link.mp4', 'hard.mp4', 'folder/in.mp4', 'folder', 'folder/./in.mp4')
        for name in names:
            with pytest.raises(ValueError, match=r'would overwrite .*in\.mp4, which is read'):
                check_outputs([None, tmp_path / 'new' / 'a.mp4', tmp_path / name], [source])
        assert not (tmp_path / 'new').exists()

    def test_a_link_to_an_input_that_does_not_exist_yet(self, tmp_path):
        (tmp_path / 'link.mp4').symlink_to(tmp_path / 'in.mp4')
        with pytest.raises(ValueError, match='would overwrite'):
            check_outputs([tmp_path / 'link.mp4'], [tmp_path / 'in.mp4'])

    def test_two_outputs_of_one_name(self, tmp_path):
        (tmp_path / 'link.mp4').symlink_to(tmp_path / 'a.mp4')
        for name in ('a.mp4', 'b/../a.mp4', 'link.mp4'):
            with pytest.raises(ValueError, match='named for two outputs'):
                check_outputs([tmp_path / 'a.mp4', tmp_path / name], [])

    def test_no_regular_file(self, tmp_path):
        (tmp_path / 'full.mp4').symlink_to('/dev/full')
        with pytest.raises(ValueError, match=r'full\.mp4 is not a regular file'):
            check_outputs([tmp_path / 'full.mp4'], [])

    def test_folders(self, tmp_path):
        """Missing ones are created; full ones, and files in their place, are errors."""
        check_outputs([tmp_path / 'a' / 'b' / 'out.mp4', tmp_path / 'c' / 'masks'], [])
        assert (tmp_path / 'a' / 'b').is_dir()
        assert (tmp_path / 'c' / 'masks').is_dir()
        (tmp_path / 'c' / 'masks' / 'old.png').touch()
        with pytest.raises(ValueError, match='is not empty: name a new one'):
            check_outputs([tmp_path / 'c' / 'masks'], [])
        (tmp_path / 'file').touch()
        with pytest.raises(OSError, match=r'the folder .*file cannot be created'):
            check_outputs([tmp_path / 'file' / 'out.mp4'], [])
