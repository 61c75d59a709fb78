"""Write the weights of a checkpoint in half precision, as safetensors, to be shipped with the package.

    python tools/experiments/ship_model.py CHECKPOINT OUT.safetensors

Needs `pip install safetensors`.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save

from mmvidext.checkpoints import read_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint')
    parser.add_argument('out', type=Path)
    arguments = parser.parse_args()
    tensors = read_checkpoint(arguments.checkpoint).tensors
    halves = {
        name: tensor.to(torch.float16).contiguous()
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and not name.startswith('data_preprocessor.')
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(save(halves))
    print(f'{arguments.out}: {len(halves)} tensors, {arguments.out.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
