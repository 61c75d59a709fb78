"""A plugin for pytest: tensors are made on the GPU."""

import torch


def pytest_configure(config):
    torch.set_default_device('cuda')
