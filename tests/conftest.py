"""Shared by all tests: the same random numbers every time, and one thread (the suite runs one worker per core)."""

import cv2  # before anything imports decord, whose FFmpeg OpenCV would then use, and fail to write video
import pytest
import torch
from mmengine.registry import DefaultScope

import mmvidext  # noqa: F401 - cures the stack before any test imports a part of it


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def restored_default_scope():
    """A default scope that one test sets would decide what the next one finds in a registry."""
    before = dict(DefaultScope._instance_dict)
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


def pytest_configure(config):
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
