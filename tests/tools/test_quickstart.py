"""``tools/quickstart.sh`` with a stand-in for Python: what it trains, and from where."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """\
#!/usr/bin/env bash
echo "$*" >>calls.txt
case "$*" in
*predict*) mkdir work_dirs/quickstart/first && touch work_dirs/quickstart/first/1.png && echo '99 %' ;;
*tools/test.py*) echo '{"acc/top1": 1}' >"${!#}" && for word; do [[ $word != *.png ]] || touch "$word"; done ;;
esac
"""


def quickstart(root):
    """Run the script; return the models that it has trained, each with the last words of its command."""
    (root / 'calls.txt').unlink(missing_ok=True)
    subprocess.run(['bash', str(root / 'tools' / 'quickstart.sh')], check=True, capture_output=True)
    calls = [line.split() for line in (root / 'calls.txt').read_text().splitlines()]
    return [call[2:] for call in calls if call[0] == 'tools/train.py']


def test_an_interrupted_run_goes_on(tmp_path):
    """A truncated checkpoint is no finished training, a first picture no finished prediction."""
    (tmp_path / 'tools').mkdir()
    shutil.copy(ROOT / 'tools' / 'quickstart.sh', tmp_path / 'tools')
    (tmp_path / 'tools' / 'setup_env.sh').touch()
    python = tmp_path / '.venv' / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    out = tmp_path / 'work_dirs' / 'quickstart'
    (out / 'tsn').mkdir(parents=True)
    (out / 'tsn' / 'epoch_12.pth').write_bytes(b'PK')
    (out / 'ms_tsm').mkdir()
    (out / 'first').mkdir()
    (out / 'first' / '000001.png').touch()
    resumed = [['--work-dir', f'work_dirs/quickstart/{model}', '--resume'] for model in ('tsn', 'ms_tsm')]
    assert quickstart(tmp_path) == resumed
    lines = [line.split() for line in (tmp_path / 'calls.txt').read_text().splitlines()]
    made = [Path(line[line.index('sthv2') + 1]) for line in lines if 'sthv2' in line]
    assert len(made) == 2
    assert not any(one.is_relative_to(other) for one in made for other in made if one is not other)
    assert quickstart(tmp_path) == []  # both are evaluated
    (out / 'ms_tsm' / 'confusion_matrix.png').unlink()
    assert quickstart(tmp_path) == resumed[1:]
