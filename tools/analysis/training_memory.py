"""Count what a recognizer's backbone keeps for its backward pass, for one sample. Nothing is computed: shapes only."""

import argparse

import torch
from mmengine.registry import MODELS, init_default_scope

from mmvidext.cli.config import load_config


def saved_bytes(backbone: torch.nn.Module, inputs: torch.Tensor) -> int:
    """Return the bytes of the tensors that autograd keeps, each storage once, without the parameters."""
    own = {id(parameter) for parameter in backbone.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        base = tensor if tensor._base is None else tensor._base
        if id(base) not in own:
            kept[id(base)] = base
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = backbone(inputs)
    del outputs
    return sum(tensor.numel() * tensor.element_size() for tensor in kept.values())


def main() -> None:
    """Print a line for each config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', help='of recognizers, files or mmvidext::NAME')
    args = parser.parse_args()
    for name in args.configs:
        cfg = load_config(name)
        init_default_scope(cfg.default_scope)
        with torch.device('meta'):
            backbone = MODELS.build(cfg.model).backbone.train()
        frames, size = cfg.get('num_segments') or cfg.clip_len, cfg.crop_size
        is_clip = cfg.model.type == 'Recognizer3D'
        shape = (1, 3, frames, size, size) if is_clip else (frames, 3, size, size)
        count = saved_bytes(backbone, torch.empty(shape, device='meta'))
        weights = sum(parameter.numel() for parameter in backbone.parameters()) * 4
        print(f'| `{name}` | {frames} x {size}x{size} | {count / 2**30:.2f} GiB | {3 * weights / 2**30:.2f} GiB |')


if __name__ == '__main__':
    main()
