"""Shared by all tests: the same random numbers every time, and one thread (the suite runs one worker per core)."""

import gc

import cv2  # before anything imports decord, whose FFmpeg OpenCV would then use, and fail to write video
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

import mmvidext  # noqa: F401 - fixes the stack before any test imports a part of it


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


def restore_globals():
    """A default scope that one test sets would decide what the next one finds in a registry.

    mmengine names visualizers by the second: of two runs in one, the other would write into the folder of the first,
    which is gone.
    """
    kinds = DefaultScope, Visualizer
    before = [dict(kind._instance_dict) for kind in kinds]
    yield
    for kind, instances in zip(kinds, before, strict=True):
        kind._instance_dict.clear()
        kind._instance_dict.update(instances)


# of a test, and of the fixtures that a whole module shares
restored_after_a_test = pytest.fixture(autouse=True)(restore_globals)
restored_after_a_module = pytest.fixture(autouse=True, scope='module')(restore_globals)


def pytest_configure(config):
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def freeze():
    """mmengine collects garbage for each data set that it builds, and would look through all that is there by then.

    After the tests of compilation that takes ten times as long as the test of a data set itself.
    """
    gc.collect()
    gc.freeze()


def pytest_collection_finish(session):
    freeze()


@pytest.fixture(autouse=True, scope='module')
def frozen_after_a_module():
    yield
    freeze()
