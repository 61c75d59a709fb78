"""Checkpoints of a run that shares out its model (FSDP)."""

from typing import Any

from mmengine._strategy import FSDPStrategy as MMEngineFSDPStrategy
from mmengine.device import get_device
from mmengine.dist import is_distributed
from torch.distributed.fsdp import FullyShardedDataParallel

from mmvidext.registry import STRATEGIES

__all__ = ['FSDPStrategy']

_WHOLE = dict(
    state_dict_type='FULL_STATE_DICT',
    state_dict_config=dict(type='FullStateDictConfig'),
    optim_state_dict_config=dict(type='FullOptimStateDictConfig'),
)


@STRATEGIES.register_module()
class FSDPStrategy(MMEngineFSDPStrategy):
    """mmengine's strategy, with checkpoints like those of an ordinary run, from which it can resume.

    The file has the names and shapes of the whole model, whatever the number of processes: any command and any number
    of processes can load it. Each process gathers the weights for a moment while the first one writes them.

    mmengine 0.10 itself cannot resume: it hands its optimizer state to torch in the wrong place.

    Args:
        state_dict_cfg: ``'full'`` gathers on the CPU of the first process, for a model that no GPU holds as a whole; it
            crashes torch 2.13 where the model is on a CPU. ``'local'`` writes a folder with a file for each process.
            Default: as described above.
        model_wrapper: See mmengine's ``FSDPStrategy``. Where there is no GPU its ``device_id`` is by default the CPU.
        **kwargs: See mmengine's ``FSDPStrategy``.

    Raises:
        RuntimeError: If no launcher has started the processes to share the model among, be it one.
    """

    def __init__(
        self,
        *,
        state_dict_cfg: str | dict[str, Any] | None = None,
        model_wrapper: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if get_device() == 'cpu':  # mmengine gives the wrapper the number of a GPU
            model_wrapper = {'device_id': 'cpu', **(model_wrapper or {})}
        whole_or_chosen = _WHOLE if state_dict_cfg is None else state_dict_cfg
        super().__init__(state_dict_cfg=whole_or_chosen, model_wrapper=model_wrapper, **kwargs)
        if not is_distributed():
            raise RuntimeError(
                'FSDPStrategy shares the model out among the processes of a launcher, and there is none: start it with '
                'torchrun --nproc_per_node GPUS -m mmvidext ... --launcher pytorch (one GPU will do), or take a config '
                "without runner_type='FlexibleRunner'"
            )

    def load_optim_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take this process's part of the optimizer's state, in a file of the kind that ``state_dict_cfg`` says."""
        optimizer = self.optim_wrapper.optimizer
        parts = FullyShardedDataParallel.optim_state_dict_to_load(self.model, optimizer, state_dict)
        self.optim_wrapper.load_state_dict(parts)
