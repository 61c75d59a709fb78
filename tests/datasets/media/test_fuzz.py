"""Mutated files: an error that names the file, or a value; never a crash, a hang or much memory."""

import resource

import cv2
import numpy as np
import pytest

from mmvidext.datasets.annotation_lines import read_annotation
from mmvidext.datasets.flow_io import read_flow, write_flo, write_kitti_flow
from mmvidext.datasets.media.images import read_image
from mmvidext.datasets.media.limits import within
from mmvidext.datasets.media.video_file import VideoFile
from mmvidext.datasets.sthv2_annotations import read_class_names
from tests.datasets.flow_files import write_pfm
from tests.datasets.videos import write_video, write_with_av

MUTATIONS = 25
MOST_GROWTH = 400 * 1024  # KiB


def a_flow():
    return np.random.default_rng(0).normal(size=(6, 8, 2)).astype(np.float32)


def a_picture(path):
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8))


def all_frames(path):
    video = VideoFile(path)
    return video.frames(range(video.num_frames))


KINDS = {
    'a.flo': (lambda path: write_flo(path, a_flow()), read_flow),
    'a.pfm': (lambda path: write_pfm(path, a_flow()), read_flow),
    'flow.png': (lambda path: write_kitti_flow(path, a_flow()), read_flow),
    'a.png': (a_picture, read_image),
    'a.jpg': (a_picture, read_image),
    'a.ppm': (a_picture, read_image),
    'a.webm': (write_video, all_frames),
    'a.avi': (write_with_av, all_frames),
    'a.mp4': (write_with_av, all_frames),
    'list.txt': (lambda path: path.write_text('a.mp4 0\nb/c.mp4 12\n'), read_annotation),
    'labels.json': (lambda path: path.write_text('{"Pushing": "0", "Pulling": "1"}'), None),
}


def mutate(content, generator):
    kind = generator.integers(4)
    content = bytearray(content)
    place = int(generator.integers(len(content)))
    if kind == 0:
        return bytes(content[:place])
    if kind == 1:  # in the header, where sizes are
        content[int(generator.integers(min(64, len(content))))] = int(generator.choice([0, 0x7F, 0x80, 0xFF, 0x39]))
    elif kind == 2:
        content[place : place + 8] = generator.bytes(8)
    else:
        content[place:place] = bytes(content[: place // 2]) or b'9'
    return bytes(content)


@pytest.mark.parametrize('name', KINDS)
def test_mutated_files(tmp_path, name):
    write, read = KINDS[name]
    path = tmp_path / name
    write(path)
    original = path.read_bytes()
    generator = np.random.default_rng(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MUTATIONS):
        path.write_bytes(mutate(original, generator))
        argument = path if read is None else str(path)
        try:
            within(60, lambda argument=argument: (read or read_class_names)(argument), name=name)
        except (FileNotFoundError, ValueError) as error:
            assert name in str(error)  # noqa: PT017
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH


def test_deep_and_huge_json(tmp_path):
    path = tmp_path / 'labels.json'
    for text in ('[' * 100000, '{"a": "99999999999"}', '{"a": "' + '9' * 5000 + '"}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r'labels\.json'):
            read_class_names(path)
