"""Everything that a run imports is imported before the first child process is forked, so that each takes a second."""

from contextlib import contextmanager

import pytest

from tests.conftest import restore_globals
from tests.reliability.tiny_run import ON_GPU, config, train


@pytest.fixture(scope='session', autouse=True)
def imported(tmp_path_factory):
    if not ON_GPU:  # there the processes are forked from another one
        with contextmanager(restore_globals)():  # the other directories' tests may follow on this worker
            train(config(tmp_path_factory.mktemp('first')))


@pytest.fixture(scope='session')
def reference(tmp_path_factory):
    """Return the work directory of an uninterrupted run; equal runs are trained once."""
    done = {}

    def get(**options):
        from tests.reliability.tiny_run import in_child

        key = repr(sorted(options.items()))
        if key not in done:
            done[key] = tmp_path_factory.mktemp('reference')
            assert in_child(train, config(done[key], **options)) == 0
        return done[key]

    return get
