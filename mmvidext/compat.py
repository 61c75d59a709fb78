"""Cures for the defects of the OpenMMLab stack on today's PyTorch, each applied only where the defect is present.

:data:`DEFECTS` lists those that are cured at run time, each with its file in ``mmvidext/cures``. Two further ones
(undeclared dependencies, and ``pkg_resources`` gone from setuptools 81) are fixed by the requirements in ``setup.cfg``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mmvidext.cures.checkpoint_globals import (
    allow_checkpoint_globals,
    fork_reads_any_pickle,
    read_safely_only,
    torch_load_is_strict,
)
from mmvidext.cures.config_names import configs_have_no_names, forks_have_no_names, name_forks, name_our_configs
from mmvidext.cures.missing_modules import DRN, is_missing, supply_drn, supply_mmcv_ext
from mmvidext.cures.multimodal import leave_out_multimodal, multimodal_does_not_import
from mmvidext.cures.version_caps import lift_caps, mmcv_is_above_the_cap

__all__ = ['DEFECTS', 'Defect', 'apply_fixes']


@dataclass(frozen=True)
class Defect:
    """One defect of the stack: what breaks, where it is discussed, how to detect it and how to fix it."""

    name: str
    symptom: str
    link: str
    is_present: Callable[[], bool]
    fix: Callable[[], None]


DEFECTS: tuple[Defect, ...] = (
    Defect(
        name='mmcv._ext',
        symptom='import mmcv.ops fails: mmcv-lite has no compiled ops',
        link='https://mmcv.readthedocs.io/en/2.x/get_started/installation.html',
        is_present=lambda: is_missing('mmcv._ext'),
        fix=supply_mmcv_ext,
    ),
    Defect(
        name='mmaction.models.localizers.drn',
        symptom='import mmaction.models fails: the 1.2.0 wheel lacks this folder',
        link='https://github.com/open-mmlab/mmaction2/issues/2714',
        is_present=lambda: is_missing(DRN),
        fix=supply_drn,
    ),
    Defect(
        name='mmaction.models.multimodal',
        symptom='import mmaction.models fails: the transformers or timm that is installed lacks what VindLU imports',
        link='https://github.com/open-mmlab/mmaction2/blob/v1.2.0/mmaction/models/multimodal/vindlu/modeling_bert.py',
        is_present=multimodal_does_not_import,
        fix=leave_out_multimodal,
    ),
    Defect(
        name='mmengine checkpoints',
        symptom='torch.load(weights_only=True) refuses the message hub that mmengine saves',
        link='https://github.com/open-mmlab/mmengine/issues/1655',
        is_present=torch_load_is_strict,
        fix=allow_checkpoint_globals,
    ),
    Defect(
        name='pickles in checkpoints',
        symptom='the fork of mmengine runs the code of a checkpoint that torch.load(weights_only=True) refuses',
        link='https://pypi.org/project/onedl-mmengine/',
        is_present=fork_reads_any_pickle,
        fix=read_safely_only,
    ),
    Defect(
        name='mmengine config names',
        symptom="_base_ = 'mmvidext::NAME' and get_config fail: mmengine has a fixed list of packages with configs",
        link='https://github.com/open-mmlab/mmengine/blob/v0.10.7/mmengine/config/utils.py',
        is_present=configs_have_no_names,
        fix=name_our_configs,
    ),
    Defect(
        name='names of forks',
        symptom="_base_ = 'mmseg::NAME' fails: mmengine looks for the distribution mmsegmentation, not for its fork",
        link='https://pypi.org/project/onedl-mmsegmentation/',
        is_present=forks_have_no_names,
        fix=name_forks,
    ),
    Defect(
        name='version caps',
        symptom='import mmaction fails: it refuses mmcv 2.2 and newer',
        link='https://github.com/open-mmlab/mmaction2/blob/v1.2.0/mmaction/__init__.py',
        is_present=mmcv_is_above_the_cap,
        fix=lift_caps,
    ),
)

_fixed: list[str] = []


def apply_fixes() -> tuple[str, ...]:
    """Cure every defect that is present.

    Returns:
        The names of all defects fixed so far in this process. Calling again changes nothing.
    """
    for defect in DEFECTS:
        if defect.name not in _fixed and defect.is_present():
            defect.fix()
            _fixed.append(defect.name)
    return tuple(_fixed)
