"""``tools/slurm_train.sh`` and the script of the page with stand-ins for Slurm's commands: what they submit again."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ('bash', str(ROOT / 'tools' / 'slurm_train.sh'), 'partition', 'job', 'config.py', '--seed', '1')


@pytest.fixture
def slurm(tmp_path):
    """Return a function that runs the script; ``srun`` returns one exit code after the other."""

    def run(codes, command=TOOL, **environment):
        (tmp_path / 'codes').write_text('\n'.join(map(str, codes)) + '\n')
        log = tmp_path / 'log'
        log.write_text('')
        for name, ending in (
            ('srun', f'code=$(head -1 {tmp_path}/codes); sed -i 1d {tmp_path}/codes; exit $code'),
            ('scontrol', ''),
        ):
            path = tmp_path / name
            path.write_text(f'#!/bin/sh\necho {name} "$@" >>{log}\n{ending}\n')
            path.chmod(0o755)
        environment = {**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', **environment}
        result = subprocess.run(command, env=environment, check=False, timeout=30)
        return result.returncode, log.read_text().splitlines()

    return run


def test_a_preempted_run_is_submitted_again_and_resumes(slurm):
    code, lines = slurm([75, 75, 0])
    assert code == 0
    assert [line.endswith('--seed 1 --resume') for line in lines] == [False, True, True]
    assert all('--signal=USR1@120' in line for line in lines)


def test_a_run_that_the_signal_ended_before_it_could_save_is_submitted_again(slurm):
    """While it imported, or looked for its data: SIGUSR1 has ended it, and comes from nobody but Slurm."""
    code, lines = slurm([128 + signal.SIGUSR1, 0])
    assert code == 0
    assert lines[1].endswith('--resume')
    assert slurm([128 + signal.SIGTERM])[0] == 128 + signal.SIGTERM


def test_a_failed_run_is_not(slurm):
    assert slurm([3])[0] == 3
    code, lines = slurm([75, 1])
    assert (code, len(lines)) == (1, 2)


def test_inside_of_a_job_the_job_is_requeued(slurm):
    code, lines = slurm([75], SLURM_JOB_ID='7')
    assert (code, lines[1:]) == (0, ['scontrol requeue 7'])
    code, lines = slurm([0], SLURM_JOB_ID='7', SLURM_RESTART_COUNT='1')
    assert code == 0
    assert lines[0].endswith('--resume')


def test_the_script_of_the_page_requeues_its_job(slurm):
    page = (ROOT / 'docs' / 'cluster.md').read_text()
    (script,) = re.findall(r'```bash\n(#!/bin/bash\n#SBATCH .*?)```', page, re.DOTALL)
    command = ('bash', '-c', script)
    for ending in (75, 128 + signal.SIGUSR1):
        code, (srun, requeue) = slurm([ending], command, SLURM_JOB_ID='7', SLURM_CPUS_PER_TASK='8')
        assert (code, requeue) == (0, 'scontrol requeue 7')
        assert srun.startswith('srun --cpus-per-task=8 ')
        assert '--resume' in srun
    for ending in (0, 3):
        code, lines = slurm([ending], command, SLURM_JOB_ID='7', SLURM_CPUS_PER_TASK='8')
        assert (code, len(lines)) == (ending, 1)
