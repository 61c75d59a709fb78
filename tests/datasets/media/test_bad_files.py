import os
import time

import numpy as np
import pytest

from mmvidext.datasets import FlyingChairsDataset
from mmvidext.datasets.media.bad_files import merge_bad_files, read_bad_files
from mmvidext.datasets.media.time_limit import SampleTimeoutError, time_limit
from mmvidext.datasets.media.video_file import BadVideoError
from tests.datasets.test_flow_datasets import PIPELINE, write_chairs


def test_the_list_is_merged_and_a_name_cannot_break_its_lines(tmp_path):
    path = tmp_path / 'run' / 'bad_files.txt'
    merge_bad_files(path, {'b.webm': 'is empty', 'a\n\x1b[31m$(id).webm': 'does not exist'})
    merge_bad_files(path, {'c.webm': 'is empty'})
    assert path.read_text() == 'a\\n\\x1b[31m$(id).webm\tdoes not exist\nb.webm\tis empty\nc.webm\tis empty\n'
    assert list(read_bad_files(path)) == ['a\\n\\x1b[31m$(id).webm', 'b.webm', 'c.webm']


def test_waiting_for_a_file_ends():
    reading, writing = os.pipe()
    start = time.monotonic()
    with pytest.raises(SampleTimeoutError, match=r'takes longer than 0\.1 seconds'), time_limit(0.1):
        os.read(reading, 1)
    assert time.monotonic() - start < 5
    os.close(reading)
    os.close(writing)


def test_a_bad_pair_is_replaced_only_where_asked_for(tmp_path):
    write_chairs(tmp_path)
    (tmp_path / 'data' / '00001_flow.flo').write_bytes(b'PIEH')
    with pytest.raises(ValueError, match=r'00001_flow\.flo is truncated'):
        FlyingChairsDataset(str(tmp_path), pipeline=PIPELINE)[0]
    dataset = FlyingChairsDataset(str(tmp_path), pipeline=PIPELINE, replace_bad=True)
    assert np.isfinite(dataset[0]['inputs']).all()
    dataset.write_bad_files(tmp_path / 'bad_files.txt')
    assert '00001_img1.ppm\t' in (tmp_path / 'bad_files.txt').read_text()
    resumed = FlyingChairsDataset(str(tmp_path), pipeline=PIPELINE, replace_bad=True)
    resumed.recall_bad_files(tmp_path / 'bad_files.txt')
    (tmp_path / 'data' / '00003_flow.flo').unlink()
    with pytest.raises(BadVideoError, match=r'2 of [0-9]+ pairs cannot be read'):
        resumed[1]
