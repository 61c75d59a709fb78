import io
import pickle
import re
import zipfile

import numpy as np
import pytest
import torch

from mmvidext.checkpoints import convert_checkpoint, find_source, load_checkpoint_file, source_names
from mmvidext.checkpoints.backbone import load_backbone


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def write_pickle(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def test_reads_torch_files_old_and_new(tmp_path):
    state = {'a.weight': torch.randn(2, 3)}
    contents = {'plain': state, 'state_dict': {'epoch': 3, 'state_dict': state}, 'model': {'model': state}}
    for name, content in contents.items():
        for new in (True, False):
            torch.save(content, tmp_path / name, _use_new_zipfile_serialization=new)
            assert torch.equal(load_checkpoint_file(tmp_path / name)['a.weight'], state['a.weight'])


@pytest.mark.parametrize('protocol', [2, 4])
def test_reads_caffe2_pickles(tmp_path, protocol):
    blobs = {'conv1_w': np.random.rand(2, 3).astype('f4'), 'fortran': np.asfortranarray(np.eye(3, 2, dtype='f8'))}
    path = write_pickle(tmp_path / 'model.pkl', {'blobs': blobs, 'epoch': np.float64(3)}, protocol)
    loaded = load_checkpoint_file(path)
    assert set(loaded) == set(blobs)
    assert all(np.array_equal(loaded[name].numpy(), blobs[name]) for name in blobs)


def test_reads_a_pickle_of_python_2(tmp_path):
    # what Python 2 writes: str objects, which are latin-1 text to Python 3
    array = np.arange(3, dtype='<f4')
    stream = io.BytesIO()
    stream.write(b'\x80\x02}U\x05blobs}U\x01w')
    stream.write(b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR')
    stream.write(
        b'(K\x01K\x03\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'
    )
    raw = array.tobytes()
    stream.write(b'\x89U' + bytes([len(raw)]) + raw + b'tbss.')
    path = tmp_path / 'old.pkl'
    path.write_bytes(stream.getvalue())
    assert load_checkpoint_file(path)['w'].tolist() == [0, 1, 2]


def test_never_runs_what_a_file_asks_for(tmp_path):
    trap = tmp_path / 'trap'
    files = [
        write_pickle(tmp_path / 'a.pkl', {'blobs': {'w': Evil(trap)}}),
        write_pickle(tmp_path / 'b.pkl', Evil(trap), protocol=4),
        write_pickle(tmp_path / 'c.pkl', {'blobs': {'w': np.array([Evil(trap)], dtype=object)}}),
    ]
    for new in (True, False):
        torch.save({'state_dict': {'w': Evil(trap)}}, tmp_path / f'd{new}.pth', _use_new_zipfile_serialization=new)
        files.append(tmp_path / f'd{new}.pth')
    for path in files:
        with pytest.raises(ValueError, match=path.name) as error:
            load_checkpoint_file(path)
        assert 'refused' in str(error.value)
        assert re.search(r'refused.* (_?io\.open|an array of Python objects)', str(error.value))
        assert 'weights_only' not in str(error.value)
        assert not trap.exists()


def test_damaged_files(tmp_path):
    good = tmp_path / 'good.pth'
    torch.save({'a': torch.randn(100)}, good)
    blobs = pickle.dumps({'blobs': {'w': np.zeros(100, 'f4')}}, 2)
    cases = {'half.pth': good.read_bytes()[:300], 'half.pkl': blobs[: len(blobs) // 2], 'empty.pth': b'', 'text': b'hi'}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f'{name} (is|holds)'):
            load_checkpoint_file(tmp_path / name)
    with zipfile.ZipFile(tmp_path / 'other.zip', 'w') as archive:
        archive.writestr('a.txt', 'hello')
    with pytest.raises(ValueError, match=r'other\.zip'):
        load_checkpoint_file(tmp_path / 'other.zip')
    with pytest.raises(FileNotFoundError, match='there is no checkpoint'):
        load_checkpoint_file(tmp_path / 'absent.pth')


def test_files_without_tensors(tmp_path):
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='holds a list, not tensors by name'):
        load_checkpoint_file(tmp_path / 'list.pth')
    torch.save({'state_dict': {'a': 'text'}}, tmp_path / 'text.pth')
    with pytest.raises(ValueError, match='a is a str, not a tensor'):
        load_checkpoint_file(tmp_path / 'text.pth')
    with pytest.raises(ValueError, match='without a dictionary of "blobs"'):
        load_checkpoint_file(write_pickle(tmp_path / 'no_blobs.pkl', {'weights': 1}))


def test_unknown_sources_and_keys():
    with pytest.raises(ValueError, match=r"unknown source 'caffe'; valid are tsm, motionsqueeze"):
        convert_checkpoint({'a': torch.zeros(1)}, 'caffe')
    with pytest.raises(ValueError, match=r'no source has these keys \(a, \.\.\.\): the file is not an official'):
        convert_checkpoint({'a': torch.zeros(1)})
    with pytest.raises(ValueError, match=r"these keys \(a, \.\.\.\) are not those of 'tsm'$"):
        convert_checkpoint({'a': torch.zeros(1)}, 'tsm')
    assert find_source({}) is None
    assert len(set(source_names())) == len(source_names())


def test_load_backbone(tmp_path):
    source, target = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    path = tmp_path / 'a.pth'
    weights = {f'backbone.{name}': tensor for name, tensor in source.state_dict().items()}
    torch.save(weights | {'cls_head.fc.weight': torch.zeros(1)}, path)
    load_backbone(target, path)
    assert torch.equal(target.weight, source.weight)
    with pytest.raises(ValueError, match=r'another Linear .* weight is \(2, 3\) instead of \(2, 4\)'):
        load_backbone(torch.nn.Linear(4, 2), path)
    torch.save({'other': torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r'another Conv2d .* no key fits'):
        load_backbone(torch.nn.Conv2d(1, 1, 1), path)
