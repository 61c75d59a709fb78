import pytest

from mmvidext.engine.lost_processes import LostProcessError, naming_lost_processes


def test_too_many_open_files_are_the_workers_where_the_error_is_of_one():
    text = 'Too many open files. Communication with the workers is no longer possible. Please increase the limit'
    with pytest.raises(LostProcessError, match='keep a file open for each tensor'), naming_lost_processes():
        raise RuntimeError(text)
    with pytest.raises(RuntimeError, match=r'^a\.pth: Too many open files$') as caught, naming_lost_processes():
        raise RuntimeError('a.pth: Too many open files')
    assert not isinstance(caught.value, LostProcessError)
