"""Kill a training run at random moments, resume it, and compare it bit by bit with a run that was left alone.

python tools/chaos.py CONFIG --kills 10 [--seed 0] [--work-dir work_dirs/chaos] [--cfg-options KEY=VALUE ...]

Every third kill waits until a checkpoint is being written. After each kill the newest whole checkpoint is compared with
that of the same iteration of the uninterrupted run; at the end the last ones are. A run that ends before its next kill
is followed by another. The exit code is 1 if anything differs.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import mmvidext  # noqa: F401 - lets torch read the checkpoints of mmengine

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 30.0  # seconds to wait for a save


def state(path: Path) -> dict[str, Any]:
    """Return what must be equal: weights, EMA, optimizer, schedulers, losses so far, position, generators."""
    checkpoint = torch.load(path, map_location='cpu')
    hub = checkpoint['message_hub']
    names = ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers', 'exact_resume')
    kept = {name: checkpoint[name] for name in names if name in checkpoint}
    times = ('time', 'memory')
    kept['scalars'] = {
        name: buffer.data for name, buffer in hub['log_scalars'].items() if not any(word in name for word in times)
    }
    kept['best_score'] = hub['runtime_info'].get('best_score')
    kept['place'] = {key: hub['runtime_info'].get(key) for key in ('epoch', 'iter', 'loop_stage')}
    return kept


def differences(one: Any, other: Any, path: str = '') -> Iterator[str]:
    """Yield where two nested states differ in one bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if (key in one) != (key in other):
                yield f'{path}/{key}'
            else:
                yield from differences(one[key], other[key], f'{path}/{key}')
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f'{path}/{number}')
    elif isinstance(one, torch.Tensor | np.ndarray):
        left, right = np.asarray(one), np.asarray(other)
        if left.shape != right.shape or left.tobytes() != right.tobytes():
            yield path
    elif one != other:
        yield path


def start(args: argparse.Namespace, work_dir: Path) -> subprocess.Popen[str]:
    """Start training in a process group of its own."""
    options = ['default_hooks.checkpoint.max_keep_ckpts=-1', 'default_hooks.logger.interval=1', *args.cfg_options]
    command = [sys.executable, '-u', str(ROOT / 'tools' / 'train.py'), args.config, '--work-dir', str(work_dir)]
    return subprocess.Popen(
        [*command, '--resume', '--deterministic', '--seed', str(args.seed), '--cfg-options', *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )


def run_to_end(process: subprocess.Popen[str]) -> int:
    """Return how many iterations the run logged; stop if it failed."""
    output, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f'training failed:\n{output[-3000:]}')
    return sum('(train)' in line for line in output.splitlines())


def kill(process: subprocess.Popen[str], work_dir: Path, iterations: int, *, in_save: bool, delay: float) -> str:
    """Kill the run after so many iterations, or in the save that follows; return where, or nothing if it has ended."""
    seen = 0
    for line in process.stdout or ():
        seen += '(train)' in line
        if seen >= iterations:
            break
    else:
        process.wait()  # it has ended
    where = f'after {seen} iterations'
    deadline = time.monotonic() + (_PATIENCE if in_save else delay)
    while time.monotonic() < deadline and process.poll() is None:
        if in_save and any(work_dir.glob('.*.partial')):
            where = f'in a save, after {seen} iterations'
            break
    if process.poll() is not None:
        run_to_end(process)
        return ''
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return where


def compare(work_dir: Path, reference: dict[int, Path]) -> tuple[str, list[str]]:
    """Compare the newest whole checkpoint with the uninterrupted run's; return its name and what differs."""
    from mmvidext.engine.resume_point import find_resume_point

    point = find_resume_point(work_dir)
    if point is None:
        return '', []
    iteration = torch.load(point, map_location='cpu')['meta']['iter']
    found = state(point)
    wanted = state(reference[iteration])
    if not found['exact_resume']['validated']:  # killed before the validation that follows this checkpoint
        for one in (found, wanted):
            one.pop('best_score')
            one['exact_resume'].pop('validated')
            one['exact_resume'].pop('early_stopping')
            one['scalars'] = {name: data for name, data in one['scalars'].items() if name.startswith('train/')}
    return point.name, sorted(differences(found, wanted))


def report(number: str, where: str, work_dir: Path, reference: dict[int, Path]) -> bool:
    """Print a line of the table; return whether all is equal."""
    point, different = compare(work_dir, reference)
    verdict = f'no: {", ".join(different[:3])}' if different else 'yes' if point else ''
    print(f'| {number} | {where} | {point or "none yet"} | {verdict} |', flush=True)
    return not different


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--kills', type=int, default=10)
    parser.add_argument('--seed', type=int, default=0, help='of the run and of the moments of the kills')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/chaos'))
    parser.add_argument('--cfg-options', nargs='*', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()
    whole = args.work_dir / 'whole'
    if args.work_dir.exists():
        sys.exit(f'{args.work_dir} holds an older run: remove it')
    total = run_to_end(start(args, whole))
    files = [path for path in whole.glob('*.pth') if not path.name.startswith('best_')]
    reference = {torch.load(path, map_location='cpu')['meta']['iter']: path for path in files}
    print(f'uninterrupted: {total} iterations, {len(reference)} checkpoints\n\n| kill | where | resumes from | equal |')
    print('|---|---|---|---|')
    draw = random.Random(args.seed)
    verdicts = []
    killed, kills = args.work_dir / 'killed_1', 0
    while kills < args.kills:
        process = start(args, killed)
        in_save = kills % 3 == 2
        where = kill(process, killed, draw.randint(1, max(2, total // 2)), in_save=in_save, delay=draw.random())
        verdicts.append(report(str(kills + 1) if where else 'end', where, killed, reference))
        if where:
            kills += 1
        else:  # it ended before; the next one begins anew
            killed = args.work_dir / f'killed_{kills + 1}'
    run_to_end(start(args, killed))
    verdicts.append(report('end', '', killed, reference))
    sys.exit(not all(verdicts))


if __name__ == '__main__':
    main()
