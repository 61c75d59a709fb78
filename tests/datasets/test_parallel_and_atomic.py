import errno
import operator
import os

import pytest

from mmvidext.datasets.atomic_write import WriteError, atomic_path, atomic_write_text
from mmvidext.datasets.parallel import iterate_with_progress, map_with_progress


@pytest.mark.parametrize('workers', [0, 2])
def test_results_are_in_order(workers):
    assert map_with_progress(operator.neg, list(range(20)), description='Negating', workers=workers) == list(
        range(0, -20, -1)
    )


def test_no_items():
    assert map_with_progress(operator.neg, [], description='Negating', workers=2) == []


def test_results_come_one_by_one():
    results = iterate_with_progress(operator.neg, [1, 'x'], description='Negating')
    assert next(results) == -1
    with pytest.raises(TypeError):
        next(results)


def test_negative_workers():
    with pytest.raises(ValueError, match=r'workers must be 0 \(work in this process\) or more, but is -1'):
        map_with_progress(operator.neg, [1], description='Negating', workers=-1)


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / 'new' / 'file.txt'
    atomic_write_text(path, 'one')
    with atomic_path(path) as temporary:
        temporary.write_text('two')
        assert temporary.suffix == '.txt'
        assert path.read_text() == 'one'
    assert path.read_text() == 'two'
    assert list(path.parent.iterdir()) == [path]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / f'a{"ü" * 125}.txt'
    assert len(path.name.encode()) == 255
    with atomic_path(path) as temporary:
        temporary.write_text('one')
        assert temporary.name.startswith(f'.a{"ü" * 49}.')
    assert [path.read_text() for path in tmp_path.iterdir()] == ['one']


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'file.txt'
    atomic_write_text(path, 'one')

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text('half')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == 'one'
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_of_the_file(tmp_path):
    def fail(error):
        with atomic_path(tmp_path / 'file.txt') as temporary:
            temporary.write_text('half')
            raise error

    with pytest.raises(WriteError, match=r'/file\.txt cannot be written: No space left on device$'):
        fail(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(FileNotFoundError, match='elsewhere'):  # which was to be read
        fail(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), '/elsewhere/video.mp4'))
    assert list(tmp_path.iterdir()) == []
    atomic_write_text(tmp_path / 'a', '')
    with pytest.raises(WriteError, match=r'/a/b/file\.txt cannot be written: Not a directory$'):
        atomic_write_text(tmp_path / 'a' / 'b' / 'file.txt', '')
