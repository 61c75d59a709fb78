from types import SimpleNamespace

import numpy as np
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset

from mmvidext.engine.data_digest import data_digest, pipeline_steps


class Videos(BaseDataset):
    def __init__(self, *names, folder='/data', label=0, **options):
        self.samples = [
            dict(filename=f'{folder}/{name}', label=label, box=np.eye(2), tags=('a', None)) for name in names
        ]
        super().__init__(**options)

    def load_data_list(self):
        return self.samples


def test_the_same_samples_in_the_same_order():
    digest = data_digest(Videos('a', 'b'))
    assert digest is not None
    assert digest == data_digest(Videos('a', 'b', serialize_data=False))
    assert digest == data_digest(Videos('a', 'b', folder='/moved/to'))
    assert digest == data_digest(ConcatDataset([Videos('a'), Videos('b')]))
    assert digest == data_digest(RepeatDataset(Videos('a', 'b'), 2))
    for other in (Videos('b', 'a'), Videos('a', 'c'), Videos('a', 'b', label=1), Videos('a')):
        assert data_digest(other) != digest


def test_what_is_no_list_of_samples_has_no_digest():
    others = torch.utils.data.TensorDataset(torch.zeros(2))
    assert data_digest(others) is None
    assert data_digest(SimpleNamespace(datasets=[Videos('a'), others])) is None


def test_values_of_all_kinds_count():
    def digest(value):
        dataset = Videos('a', serialize_data=False)
        dataset.data_list[0]['value'] = value
        return data_digest(dataset)

    values = [1, 1.0, '1', b'1', None, [1], np.ones(1), np.ones(1, np.float32), np.float32(2), torch.ones(2), object]
    assert len({digest(value) for value in values}) == len(values)
    assert digest(object()) == digest(object())  # whose address is another one in each process


def test_the_steps_of_a_pipeline_in_a_wrapper():
    inner = dict(type='Videos', pipeline=[dict(type='Resize', scale=(1, 2))])
    assert pipeline_steps(dict(type='ConcatDataset', datasets=[inner])) == ["{'type': 'Resize', 'scale': (1, 2)}"]
    assert pipeline_steps(None) == []
