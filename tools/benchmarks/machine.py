"""What a measurement was made on."""

import datetime
import platform
from pathlib import Path

import torch


def describe_machine(device: str) -> dict[str, str]:
    """Return the name of the card or the processor, and the versions that matter."""
    described = {'device': processor_name(), 'torch': torch.__version__, 'threads': str(torch.get_num_threads())}
    if device.startswith('cuda'):
        card = torch.cuda.get_device_properties(torch.device(device))
        described['device'] = card.name
        described['CUDA'] = str(torch.version.cuda)
        described['capability'] = f'{card.major}.{card.minor}'
    return {**described, 'date': datetime.datetime.now(datetime.timezone.utc).date().isoformat()}


def processor_name() -> str:
    """Return the model of the processor, or its architecture where the system does not say more."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()
