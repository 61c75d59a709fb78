"""The random number generators that training draws from: seed, save and restore them together."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

__all__ = [
    'capture_generators',
    'check_generators',
    'generator_states',
    'restore_generators',
    'restored_generators',
    'seed_generators',
    'set_generator_states',
]


def seed_generators(*key: int) -> None:
    """Seed the generators of Python, NumPy and torch (CPU) from a key.

    Args:
        *key: Non-negative numbers of any size. Keys that differ in one number give independent random numbers.
    """
    words = np.random.SeedSequence(key).generate_state(6)
    random.seed(int(words[0]) << 32 | int(words[1]))
    np.random.seed(words[2:4])
    # torch.manual_seed would seed CUDA as well, whose numbers belong to the model
    torch.default_generator.manual_seed(int(words[4]) << 32 | int(words[5]))


def generator_states() -> tuple[Any, Any, torch.Tensor]:
    """Return the states of Python, NumPy and torch (CPU), for :func:`set_generator_states` in this process."""
    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def set_generator_states(states: tuple[Any, Any, torch.Tensor]) -> None:
    """Give the generators the states that :func:`generator_states` returned."""
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])


@contextmanager
def restored_generators() -> Iterator[None]:
    """Give the generators of Python, NumPy and torch (CPU) back their states at the end of the block."""
    states = generator_states()
    try:
        yield
    finally:
        set_generator_states(states)


def capture_generators() -> dict[str, Any]:
    """Return the states of this process: Python, NumPy, torch (CPU) and its CUDA device, if it uses one.

    Only tensors, numbers, strings, tuples and dictionaries, so that ``torch.load(weights_only=True)`` reads them back.
    """
    numpy_state = np.random.get_state(legacy=False)
    key = torch.from_numpy(numpy_state['state']['key'].astype(np.int64))  # torch saves no uint32 arrays of NumPy
    states = {
        'python': random.getstate(),
        'numpy': {**numpy_state, 'state': {**numpy_state['state'], 'key': key}},
        'torch': torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states['cuda'] = torch.cuda.get_rng_state()
    return states


def restore_generators(states: dict[str, Any]) -> None:
    """Restore what :func:`capture_generators` returned; tensors may lie on any device."""
    _set(states, random, np.random, torch.default_generator)
    if 'cuda' in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'].cpu())


def check_generators(states: Any) -> None:
    """Check what :func:`restore_generators` shall restore, on generators that nothing draws from.

    Raises:
        ValueError: If it cannot be restored.
    """
    try:
        _set(states, random.Random(), np.random.RandomState(), torch.Generator())
        if 'cuda' in states and torch.cuda.is_available():
            torch.Generator('cuda').set_state(states['cuda'].cpu())
    except Exception as error:  # each generator has its own for what is no state of it
        raise ValueError(f'no states of generators: {" ".join(str(error).split())}') from error


def _set(states: dict[str, Any], python: Any, numpy: Any, torch_generator: torch.Generator) -> None:
    version, numbers, gauss = states['python']
    if not isinstance(gauss, float | None):
        raise TypeError(f'{gauss!r:.80} is not the next number of a normal distribution')
    python.setstate((version, tuple(numbers), gauss))
    numpy_state = states['numpy']['state']
    if not 0 <= numpy_state['pos'] <= len(numpy_state['key']):  # numpy would read beyond its memory
        raise ValueError(f'position {numpy_state["pos"]!r:.80} of {len(numpy_state["key"])} numbers')
    key = numpy_state['key'].cpu().numpy().astype(np.uint32)
    numpy.set_state({**states['numpy'], 'state': {**numpy_state, 'key': key}})
    torch_generator.set_state(states['torch'].cpu())
