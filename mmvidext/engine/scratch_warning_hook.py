"""Say aloud that a run starts from random weights where its recipe starts from trained ones."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvidext.engine.run_parts import unwrap_model
from mmvidext.engine.start_weights_hook import StartWeightsHook
from mmvidext.models.pretrained_file import pretrained_files
from mmvidext.registry import HOOKS

__all__ = ['ScratchWarningHook']


@HOOKS.register_module()
class ScratchWarningHook(Hook):
    """Warn once, before training, if the config says ``starts_from='ImageNet'`` and no weights are loaded.

    The published figures of such a recipe cannot be reached from random weights.
    """

    def before_train(self, runner: Runner) -> None:
        """Look for weights: those of ``load_from``, of a run that is resumed, or ``pretrained`` of any part."""
        data = (runner.cfg or {}).get('starts_from')
        loaded = runner.iter > 0 or getattr(runner, '_load_from', None) or getattr(runner, '_resume', False)
        if not data or loaded or any(isinstance(hook, StartWeightsHook) for hook in runner.hooks):
            return
        model = unwrap_model(runner.model)
        if pretrained_files(model):
            return
        backbone = getattr(model, 'backbone', None)
        depth = getattr(backbone, 'depth', None)
        example = f'torchvision://resnet{depth}' if data == 'ImageNet' and depth else 'a file, an address or a name'
        runner.logger.warning(
            f'the recipe of this config starts from weights trained on {data}, but this run starts from random ones: '
            f'set model.backbone.pretrained ({example}), or train --weights; mmvidext weights lists names'
        )
