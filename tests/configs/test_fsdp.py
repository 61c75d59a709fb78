"""Two processes share out a model with FSDP."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_process_holds_its_part_of_weights_and_optimizer_state(tmp_path):
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2']
    result = subprocess.run(
        [*command, '-m', 'tests.fsdp_run'], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr[-3000:]
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{"rank"')]
    first, second = sorted(lines, key=lambda line: line['rank'])
    assert first['held'] + second['held'] == first['whole'] == second['whole']
    assert max(first['held'], second['held']) < 0.55 * first['whole']
    assert first['state'] == first['held']  # one momentum a weight
    assert math.isfinite(first['loss'])
