"""The package imports, and writes whole files, on systems without Linux's and POSIX's own functions."""

import subprocess
import sys

PROGRAM = """
import importlib, os, pkgutil, signal, sys
sys.modules['fcntl'] = None
import torch, mmaction, mmengine.runner, torch.distributed  # others see the system as it is
for name in ('fork', 'pidfd_open', 'setpgid', 'register_at_fork', 'O_NOFOLLOW', 'O_DIRECTORY', 'killpg'):
    delattr(os, name)
for name in ('SIGUSR1', 'SIGHUP', 'SIGCHLD', 'SIGKILL'):
    delattr(signal, name)
import mmvidext
for module in pkgutil.walk_packages(mmvidext.__path__, 'mmvidext.'):
    if 'triton' not in module.name and '__main__' not in module.name:
        importlib.import_module(module.name)

from pathlib import Path
from mmvidext.datasets.media.limits import crash_in_child
from mmvidext.engine.preemption import Preemption
from mmvidext.engine.whole_file import write_whole
from mmvidext.engine.work_dir import lock_work_dir
assert lock_work_dir(Path(sys.argv[1])) is None
write_whole(Path(sys.argv[1], 'file'), b'content')
preemption = Preemption()
preemption.listen(None)
preemption.close()
assert crash_in_child(lambda: 1 / 0, 1.0) is None
"""


def test_without_functions_of_posix(tmp_path):
    result = subprocess.run([sys.executable, '-c', PROGRAM, str(tmp_path)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert 'cannot be locked (this system has no fcntl)' in result.stdout + result.stderr
    assert (tmp_path / 'file').read_bytes() == b'content'
