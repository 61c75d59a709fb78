import pytest
from torch import distributed

from mmvidext.engine import lost_processes
from mmvidext.engine.lost_processes import LostProcessError, naming_lost_processes


def test_too_many_open_files_are_the_workers_where_the_error_is_of_one():
    text = 'Too many open files. Communication with the workers is no longer possible. Please increase the limit'
    with pytest.raises(LostProcessError, match='keep a file open for each tensor'), naming_lost_processes():
        raise RuntimeError(text)
    with pytest.raises(RuntimeError, match=r'^a\.pth: Too many open files$') as caught, naming_lost_processes():
        raise RuntimeError('a.pth: Too many open files')
    assert not isinstance(caught.value, LostProcessError)


def test_a_rank_that_answered_before_a_restart_is_not_taken_for_alive(monkeypatch):
    """The store of torchrun outlives the processes that it starts anew (--max-restarts)."""
    store = distributed.TCPStore('127.0.0.1', 0, is_master=True, wait_for_workers=False)
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', str(store.port))
    monkeypatch.setattr(distributed, 'is_initialized', lambda: True)
    monkeypatch.setattr(distributed, 'get_world_size', lambda: 2)
    monkeypatch.setattr(lost_processes, '_ROLL_CALL_SECONDS', 0.3)

    def silent(rank, restarts):
        monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', str(restarts))
        monkeypatch.setattr(distributed, 'get_rank', lambda: rank)
        with pytest.raises(LostProcessError) as caught, naming_lost_processes():
            raise RuntimeError('Timed out waiting 3000ms for recv')
        return str(caught.value)

    assert silent(0, 0).startswith('rank 1 does not answer (rank 0 waited)')
    assert silent(1, 0).startswith('a rank answered too late (rank 1 waited)')
    assert silent(0, 1).startswith('rank 1 does not answer (rank 0 waited)')
