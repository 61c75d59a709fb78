"""Each defect of the stack: a process without the package shows it, one with the package does not."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import mmengine.hub
import pytest

from mmvidext.compat import DEFECTS, apply_fixes
from mmvidext.cures import config_names, version_caps
from mmvidext.cures.loaders import LoaderSwap

ROOT = Path(__file__).resolve().parents[1]
FORK = version_caps.mmcv_is_above_the_cap()


def run(code):
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_mmcv_lite_has_no_ops_without_the_cure():
    if not next(defect for defect in DEFECTS if defect.name == 'mmcv._ext').is_present():
        pytest.skip('this mmcv has compiled ops')
    result = run('import mmcv.ops')
    assert "No module named 'mmcv._ext'" in result.stderr


@pytest.mark.skipif(FORK, reason='mmaction2 refuses the mmcv of the forks before it misses a module')
def test_mmaction_models_cannot_be_imported_without_the_cure():
    if not next(defect for defect in DEFECTS if 'drn' in defect.name).is_present():
        pytest.skip('this mmaction2 is whole')
    result = run(
        'import sys, types\n'
        'from importlib.machinery import ModuleSpec\n'
        'from unittest.mock import MagicMock\n'
        "ext = MagicMock(__spec__=ModuleSpec('mmcv._ext', None)); sys.modules['mmcv._ext'] = ext\n"
        'import mmaction.models'
    )
    assert "No module named 'mmaction.models.localizers.drn'" in result.stderr


def test_everything_imports_with_the_cure_and_missing_parts_explain_themselves():
    result = run(
        'import mmvidext\n'
        'import inspect, sys\n'
        'import mmaction.models, mmseg.models, mmcv.ops, torch\n'
        'inspect.getmodule(inspect.currentframe())  # walks the attributes of every module\n'
        'from mmaction.registry import MODELS\n'
        'for call in (\n'
        '    lambda: mmcv.ops.Correlation()(torch.rand(1, 1, 3, 3), torch.rand(1, 1, 3, 3)),\n'
        "    lambda: mmcv.ops.roi_align(torch.rand(1, 1, 3, 3), torch.rand(1, 5), 2, 1.0, 0, 'max'),\n"
        "    lambda: MODELS.build(dict(type='DRN')),\n"
        '):\n'
        '    try:\n'
        '        call()\n'
        '    except (RuntimeError, ImportError) as error:\n'
        '        print(type(error).__name__, error)\n'
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("RuntimeError mmcv's compiled op 'correlation_forward' is not available: mmcv-lite")
    assert lines[1].startswith("RuntimeError roi_align has no pool_mode='max'")
    assert lines[2].startswith('ImportError DRN is not in the mmaction2 1.2.0 wheel')


def test_a_transformers_that_mmaction_cannot_use_is_as_none(tmp_path):
    """A stand-in of transformers 5, which has the functions of VindLU elsewhere."""
    files = {
        'transformers/__init__.py': '',
        'transformers/modeling_utils.py': 'class PreTrainedModel: ...\n',
        'transformers-5.17.0.dist-info/METADATA': 'Name: transformers\nVersion: 5.17.0\n',
        'timm/__init__.py': '',
        'timm/models/__init__.py': '',
        'timm/models/layers.py': '',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    first = f'import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport mmvidext\n'
    cured = run(
        f'{first}import mmaction.models\nfrom mmaction.registry import MODELS\n'
        "try:\n    MODELS.build(dict(type='VindLUVQA'))\nexcept ImportError as error:\n    print(error)"
    )
    assert 'requires extra multi-modal dependencies' in cured.stdout, cured.stderr
    swaps = "getattr(one, 'modules', ())"
    without = f"sys.meta_path[:] = [one for one in sys.meta_path if 'mmaction.models.multimodal' not in {swaps}]\n"
    assert "No module named 'transformers." in run(f'{first}{without}import mmaction.models').stderr


def test_undeclared_dependencies_are_declared():
    """mmaction2 imports importlib_metadata and mmseg ftfy, and neither declares it; mmengine needs setuptools < 81."""
    for module, blocked in (('mmaction.models', 'importlib_metadata'), ('mmseg.models', 'ftfy')):
        result = run(f"import sys; sys.modules['{blocked}'] = None\nimport mmvidext\nimport {module}")
        assert blocked in result.stderr
        assert result.returncode != 0
    if (ROOT / 'mmvidext.egg-info').exists():
        requirements = ' '.join(importlib.metadata.requires('mmvidext'))
        for requirement in ('importlib_metadata', 'ftfy', 'regex', 'setuptools<81'):
            assert requirement in requirements


@pytest.mark.skipif(FORK, reason='onedl-mmengine does not use pkg_resources')
def test_base_configs_of_other_packages_need_pkg_resources(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text("_base_ = 'mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb.py'\n")
    code = f'from mmengine.config import Config\nConfig.fromfile({str(config)!r})'
    assert run(code).returncode == 0
    without = run("import sys; sys.modules['pkg_resources'] = None\n" + code)
    assert without.returncode != 0
    assert 'pkg_resources' in without.stderr


def test_configs_have_names_with_the_cure_only():
    without = run(
        'from mmengine.hub import get_config\n'
        "for name in ('ms_tsm_r50_sthv2.py', 'demo/ms_tsm_r18_demo.py'):\n"
        "    try:\n        get_config(f'mmvidext::{name}')\n"
        '    except (ValueError, AssertionError) as error:\n        print(error)\n'
    ).stdout.splitlines()
    assert 'please specify the package name' in without[0]
    assert 'does not support to load mmvidext' in without[1]
    get = 'from mmengine.hub import get_config\nprint(get_config("mmvidext::ms_tsm_r50_sthv2.py").model.backbone.type)'
    for first in ('import mmvidext', 'import mmengine.hub\nimport mmvidext'):
        result = run(f'{first}\n{get}')
        assert result.stdout.splitlines()[-1:] == ['mmvidext.MSResNet'], result.stderr


def test_configs_are_found_by_name():
    get_config = mmengine.hub.get_config
    for name in ('ms_tsm_r50_sthv2', 'demo/ms_tsm_r18_demo.py', 'demo/ms_tsm_r18_demo'):
        assert get_config(f'mmvidext::{name}').model.backbone.type == 'mmvidext.MSResNet'
    other = 'mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb.py'
    assert get_config(other).model.backbone.type == 'ResNetTSM'
    with pytest.raises(FileNotFoundError, match=r'configs/no_such\.py'):
        get_config('mmvidext::no_such')


def test_get_config_gives_the_weights_of_a_metafile(tmp_path, monkeypatch):
    folder = tmp_path / '.mim'
    shutil.copytree(ROOT / 'configs', folder / 'configs')
    (folder / 'model-index.yml').write_text('Import: [configs/metafile.yml]\n')
    (folder / 'configs/metafile.yml').write_text(
        'Models:\n- Name: one\n  Config: configs/ms_tsm_r50_sthv2.py\n  Weights: https://example.org/one.pth\n'
    )
    monkeypatch.setattr(mmengine.hub.hub, 'get_installed_path', lambda package: str(tmp_path))
    cfg = mmengine.hub.get_config('mmvidext::ms_tsm_r50_sthv2.py', pretrained=True)
    assert cfg.model_path == 'https://example.org/one.pth'
    assert cfg.filename == str(folder / 'configs/ms_tsm_r50_sthv2.py')
    assert mmengine.hub.get_config('mmvidext::tsm_r50_sthv2').model.backbone.type == 'mmvidext.TSMResNet'


def test_importing_the_package_is_light():
    heavy = ('mmcv', 'mmaction', 'mmseg', 'decord') if FORK else ('mmcv', 'mmaction', 'mmseg', 'decord', 'cv2')
    # the fork's reader of checkpoints is cured, and mmengine.runner imports cv2
    result = run(f'import sys, mmvidext\nprint([name for name in {heavy} if name in sys.modules])')
    assert result.stdout.strip() == '[]', result.stderr


def test_ops_do_not_import_the_compiler():
    """It takes a second, a fifth of the import, and who does not compile does not want it."""
    result = run("import sys, mmvidext.ops\nprint('torch._dynamo' in sys.modules)")
    assert result.stdout.strip() == 'False', result.stderr


@pytest.mark.parametrize('toolbox', ['mmengine', 'mmcv'])
def test_without_mmcv_one_line_says_what_to_install(toolbox):
    result = run(
        'import importlib.util as util\n'
        'real = util.find_spec\n'
        f'util.find_spec = lambda name, *rest: None if name == {toolbox!r} else real(name, *rest)\n'
        'import mmvidext'
    )
    last = result.stderr.strip().splitlines()[-1]
    assert last == (
        f"ImportError: mmvidext needs {toolbox}, not installed here: pip install 'mmvidext[openmmlab]', "
        "or 'mmvidext[onedl]' for the forks that are maintained"
    )


def test_curing_twice_changes_nothing():
    finders = list(sys.meta_path)
    assert apply_fixes() == apply_fixes()
    assert sys.meta_path == finders


def test_toolboxes_that_refuse_a_newer_mmcv_import_with_the_cure(tmp_path):
    """What keeps mmaction2 from running beside ``onedl-mmcv`` is an assertion on the version of mmcv, and no more."""
    (tmp_path / 'mmcv.py').write_text("__version__ = '2.3.6'\n__path__ = []\n")
    newer = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import mmcv; assert mmcv.__version__ == '2.3.6'\n"
    for toolbox in ('mmaction',) if FORK else ('mmaction', 'mmseg', 'mmdet'):
        refused = run(f'{newer}import {toolbox}')
        assert 'MMCV==2.3.6 is used but incompatible' in refused.stderr, toolbox
        cured = run(f'from mmvidext.cures.version_caps import lift_caps; {newer}lift_caps(); import {toolbox}')
        assert cured.returncode == 0, cured.stderr


def test_the_cure_finds_an_editable_installation(tmp_path, monkeypatch):
    """setuptools finds such a package with a finder of its own: it is not on ``sys.path``."""
    source = tmp_path / 'editable_toolbox.py'
    source.write_text("assert False, 'mmcv is too new'\n")

    class EditableFinder:
        @staticmethod
        def find_spec(fullname, path=None, target=None):
            return importlib.util.spec_from_file_location(fullname, source) if fullname == source.stem else None

    swap = LoaderSwap([source.stem], version_caps._LoaderWithoutAssertions)
    monkeypatch.setattr(sys, 'meta_path', [swap, *sys.meta_path, EditableFinder])
    assert importlib.import_module(source.stem).__file__ == str(source)
    del sys.modules[source.stem]


@pytest.mark.parametrize(
    ('package', 'above'), [('2.1.0', False), ('2.1.99', False), ('2.2.0', True), ('2.3.0.post2', True)]
)
def test_the_version_of_mmcv_decides(monkeypatch, package, above):
    monkeypatch.setattr(version_caps, 'version', lambda name: package)
    assert version_caps.mmcv_is_above_the_cap() is above


def test_a_toolbox_of_another_distribution_is_found_by_the_name_of_its_module(monkeypatch):
    from mmengine.config.utils import MODULE2PACKAGE

    monkeypatch.setitem(MODULE2PACKAGE, 'mmseg', 'a-distribution-that-is-not-there')
    assert config_names.forks_have_no_names()
    config_names.name_forks()
    assert MODULE2PACKAGE['mmseg'] == 'mmseg'
    assert not config_names.forks_have_no_names()
