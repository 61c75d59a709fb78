import _codecs
import errno
import io
import json
import pickle
import re
import threading
import zipfile
from collections import Counter, OrderedDict
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvidext.checkpoints import read_checkpoint


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
    contents = {'plain': state, 'state_dict': {'epoch': 3, 'state_dict': state}}
    contents |= {name: {name: state} for name in ('model', 'model_state_dict', 'net')}
    for name, content in contents.items():
        for new in (True, False):
            torch.save(content, tmp_path / name, _use_new_zipfile_serialization=new)
            assert torch.equal(read_checkpoint(tmp_path / name).tensors['a.weight'], state['a.weight'])


def test_a_file_of_somebody_else_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(path, *_):
        raise PermissionError(errno.EACCES, 'Permission denied', str(path))

    torch.save({}, tmp_path / 'theirs.pth')
    monkeypatch.setattr(Path, 'open', refuse)  # root may read everything
    with pytest.raises(ValueError, match=r'theirs\.pth cannot be read: Permission denied$'):
        read_checkpoint(tmp_path / 'theirs.pth')


@pytest.mark.parametrize('protocol', [2, 4])
def test_reads_caffe2_pickles(tmp_path, protocol):
    blobs = {'conv1_w': np.random.rand(2, 3).astype('f4'), 'fortran': np.asfortranarray(np.eye(3, 2, dtype='f8'))}
    path = write_pickle(tmp_path / 'model.pkl', {'blobs': blobs, 'epoch': np.float64(3)}, protocol)
    loaded = read_checkpoint(path).tensors
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
    assert read_checkpoint(path).tensors['w'].tolist() == [0, 1, 2]


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
            read_checkpoint(path)
        assert 'refused' in str(error.value)
        assert re.search(r'refused.* (_?io\.open|an array of)', str(error.value))
        assert 'weights_only' not in str(error.value)
        assert not trap.exists()


def test_damaged_files(tmp_path):
    good = tmp_path / 'good.pth'
    torch.save({'a': torch.randn(100)}, good)
    blobs = pickle.dumps({'blobs': {'w': np.zeros(100, 'f4')}}, 2)
    cases = {'half.pth': good.read_bytes()[:300], 'half.pkl': blobs[: len(blobs) // 2], 'empty.pth': b'', 'text': b'hi'}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f'{name} is damaged or not a checkpoint: '):
            read_checkpoint(tmp_path / name)
    with zipfile.ZipFile(tmp_path / 'other.zip', 'w') as archive:
        archive.writestr('a.txt', 'hello')
    with pytest.raises(ValueError, match=r'other\.zip'):
        read_checkpoint(tmp_path / 'other.zip')
    with pytest.raises(FileNotFoundError, match='there is no checkpoint'):
        read_checkpoint(tmp_path / 'absent.pth')
    with pytest.raises(ValueError, match=f'^the checkpoint {tmp_path} is not a regular file$'):
        read_checkpoint(tmp_path)


def test_files_without_tensors(tmp_path):
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='it holds a list, not tensors by name'):
        read_checkpoint(tmp_path / 'list.pth')
    torch.save({'state_dict': {'a': 'text'}}, tmp_path / 'text.pth')
    with pytest.raises(ValueError, match='a is a str, not a tensor'):
        read_checkpoint(tmp_path / 'text.pth')
    torch.save({'weights': {'a': torch.zeros(1)}}, tmp_path / 'wrapped.pth')
    with pytest.raises(ValueError, match=r'weights is a dict, not a tensor; .* from state_dict, model, '):
        read_checkpoint(tmp_path / 'wrapped.pth')
    for odd in (torch.empty(2, device='meta'), torch.eye(2).to_sparse()):
        torch.save({'a': odd}, tmp_path / 'odd.pth')
        with pytest.raises(ValueError, match='a is not a plain tensor'):
            read_checkpoint(tmp_path / 'odd.pth')
    with pytest.raises(ValueError, match='without a dictionary of "blobs"'):
        read_checkpoint(write_pickle(tmp_path / 'no_blobs.pkl', {'weights': 1}))


def numpy_pickle(dtype_state, code='f4', shape=(3,), raw=bytes(12)):
    """A Caffe2 pickle whose array has a crafted dtype."""

    class Reduced:
        def __init__(self, *value):
            self.value = value

        def __reduce__(self):
            return self.value

    class Dtype:
        def __reduce__(self):
            return np.dtype, (code, False, True), dtype_state

    array = Reduced(np.empty(0).__reduce__()[0], (np.ndarray, (0,), b'b'), (1, shape, Dtype(), False, raw))
    return {'blobs': {'w': array}}


GOOD_STATE = (3, '<', None, None, None, -1, -1, 0)
CRAFTED = [
    (3, '<', None, ('a',), {'a': (np.dtype('f8'), 1 << 40)}, 1 << 40, 8, 0),
    (3, '<', (np.dtype('f4'), (1 << 30,)), None, None, -1, -1, 0),
    (3, 'X', None, None, None, -1, -1, 0),
    (3, '<', None, None, None, 1 << 30, 1, 63),
    {'a': 1},
    (),
]


@pytest.mark.parametrize('state', CRAFTED)
def test_a_dtype_in_a_pickle_takes_a_byte_order_and_nothing_else(state, tmp_path):
    good = write_pickle(tmp_path / 'good.pkl', numpy_pickle(GOOD_STATE))
    assert read_checkpoint(good).tensors['w'].tolist() == [0, 0, 0]
    big = write_pickle(
        tmp_path / 'big.pkl', numpy_pickle((3, '>', *GOOD_STATE[2:]), raw=np.arange(3, dtype='>f4').tobytes())
    )
    assert read_checkpoint(big).tensors['w'].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r'bad\.pkl is damaged or not a checkpoint: .*(refused|dtype)'):
        read_checkpoint(write_pickle(tmp_path / 'bad.pkl', numpy_pickle(state)))
    # the arrays in the message hub of mmengine's checkpoints are read by torch
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'message_hub': numpy_pickle(state)}, tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match=r'bad\.pth '):
        read_checkpoint(tmp_path / 'bad.pth')


@pytest.mark.parametrize(('code', 'shape'), [('O', (3,)), ('V8', (3,)), ('f4', (1 << 40,)), ('f4', (-3,)), ('f4', 3)])
def test_arrays_are_as_large_as_their_bytes(code, shape, tmp_path):
    with pytest.raises(ValueError, match=r'bad\.pkl '):
        read_checkpoint(write_pickle(tmp_path / 'bad.pkl', numpy_pickle(GOOD_STATE, code, shape)))


@pytest.mark.parametrize('code', ['O', 'V8', 'S8', 'M8', 'f8,f8', 'float64'])
def test_a_dtype_is_of_plain_numbers(code, tmp_path):
    """Whatever the size of the array says."""
    path = write_pickle(tmp_path / 'bad.pkl', numpy_pickle(GOOD_STATE, code, (3,), raw=bytes(24)))
    with pytest.raises(
        ValueError, match=rf"bad\.pkl .*refused an array of dtype '{code}': it must be of plain numbers"
    ):
        read_checkpoint(path)


def test_arrays_of_a_message_hub_are_written_again_as_plain_ones(tmp_path):
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': {'history': np.arange(3.0)}}, tmp_path / 'a.pth')
    meta = read_checkpoint(tmp_path / 'a.pth').meta
    assert meta['history'].tolist() == [0, 1, 2]
    assert b'mmvidext' not in pickle.dumps(meta, 2)
    assert b'mmvidext' not in pickle.dumps(meta, 5)


def test_archives_that_expand_and_endless_pickles_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / 'bomb.pth', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('bomb/data/0', bytes(50_000_000))
    with pytest.raises(ValueError, match=r'bomb\.pth .*bytes expand to 50000000: torch does not compress'):
        read_checkpoint(tmp_path / 'bomb.pth')
    deep = b'\x80\x02' + b'(' * 2_000_001 + b'.'
    (tmp_path / 'deep.pkl').write_bytes(deep)
    with zipfile.ZipFile(tmp_path / 'deep.pth', 'w') as archive:
        archive.writestr('deep/data.pkl', deep)
    legacy = b''.join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, dict(little_endian=True)))
    (tmp_path / 'legacy.pth').write_bytes(legacy + deep)  # as torch before 1.6 wrote
    for name in ('deep.pkl', 'deep.pth', 'legacy.pth'):
        with pytest.raises(ValueError, match=rf'{name} .*its pickle has more than 2000000 operations'):
            read_checkpoint(tmp_path / name)


@pytest.mark.parametrize('put', [b'r\x81\x84\x1e\x00', b'p2000001\n'])
def test_a_pickle_cannot_ask_for_room_for_any_number_of_objects(put, tmp_path):
    """Room for 2**32 objects, which five bytes ask for, is 64 GiB."""
    (tmp_path / 'a.pkl').write_bytes(b'\x80\x02}' + put + b'.')
    with pytest.raises(ValueError, match=r'a\.pkl .*its pickle puts an object in place 2000001, of at most 2000000'):
        read_checkpoint(tmp_path / 'a.pkl')


class Call:
    """Is pickled as a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


EXPANDED = torch.zeros(1).expand(2**40)
TAKES_MEMORY = {
    'bytearray': Call(bytearray, 2**40),
    'of a tensor': Call(bytearray, torch.tensor(2**40)),
    'elements of a tensor': Call(set, EXPANDED),
    'tensor': Call(torch.Tensor, 2**40),
    'other tensor': Call(torch.FloatTensor, 2**40),
    'storage': Call(torch.UntypedStorage, 2**40),
    'indirect': Call(torch._tensor._rebuild_from_type_v2, bytearray, torch.Tensor, (2**40,), {}),
    'conversion': Call(torch._utils._rebuild_device_tensor_from_cpu_tensor, EXPANDED, torch.float64, 'cpu', False),
}


@pytest.mark.parametrize('new', [True, False])
@pytest.mark.parametrize('place', ['state_dict', 'meta'])
@pytest.mark.parametrize('call', TAKES_MEMORY)
def test_a_call_cannot_ask_for_memory(call, place, new, tmp_path):
    content = {'state_dict': {'a': torch.zeros(1)}, 'meta': {}}
    content[place]['x'] = TAKES_MEMORY[call]
    torch.save(content, tmp_path / 'a.pth', _use_new_zipfile_serialization=new)
    with pytest.raises(ValueError, match=r'a\.pth .*its pickle calls \S+(Tensor|Storage|bytearray|set|cpu_tensor)\b'):
        read_checkpoint(tmp_path / 'a.pth')


NESTED = b')\x85\x85'  # a hundred thousand would end the process


def big(number):
    return b'\x8a\x0a' + (number * (2**61 - 1)).to_bytes(10, 'little')  # all have one hash


MANY = [big(number) for number in range(1, 1002)]
ORDERED = b'ccollections\nOrderedDict\n'
KEYS = {
    'of an item': (b'}' + NESTED + b'Ns', 'a tuple of tuples'),
    'of items': (b'}(' + NESTED + b'Nu', 'a tuple of tuples'),
    'of a DICT': (b'(' + NESTED + b'Nd', 'a tuple of tuples'),
    'of a set': (b'\x8f(' + NESTED + b'\x90', 'a tuple of tuples'),
    'of a frozenset': (b'(' + NESTED + b'\x91', 'a tuple of tuples'),
    'of an object': (ORDERED + b')R' + NESTED + b'Ns', 'a tuple of tuples'),
    'of pairs': (ORDERED + b']](' + NESTED + b'Nea\x85R', 'a tuple of tuples'),
    'of a call': (b'cbuiltins\nset\n](' + NESTED + b'e\x85R', 'a tuple of tuples'),
    'of one hash': (b'}(' + b'N'.join(MANY) + b'Nu', 'more than 1000 keys'),
    'of one hash in tuples': (b'}(' + b'\x85N'.join(MANY) + b'\x85Nu', 'more than 1000 keys'),
    'long': (b'}((' + b'K\x00' * 9_000 + b'tq\x00N' + b'h\x00N' * 900 + b'u', 'the same values again and again'),
}


@pytest.mark.parametrize('keys', KEYS)
def test_a_key_cannot_take_any_time_or_crash(keys, tmp_path):
    content, message = KEYS[keys]
    with zipfile.ZipFile(tmp_path / 'a.pth', 'w') as archive:
        archive.writestr('a/data.pkl', b'\x80\x02' + content + b'.')
    with pytest.raises(ValueError, match=rf'a\.pth .*its pickle .*{message}'):
        read_checkpoint(tmp_path / 'a.pth')


def test_ordinary_keys_are_read(tmp_path):
    meta = {1: 'a', 2.5: 'b', None: 'c', (1, 'x'): 'd', b'f': 'f', 2**70: 'g'}
    optimizer = {number: number for number in range(5000)}
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': meta, 'optimizer': optimizer}, tmp_path / 'a.pth')
    assert read_checkpoint(tmp_path / 'a.pth').meta == meta


def test_a_pickle_of_another_protocol_says_how_to_save_it(tmp_path):
    torch.save({'a': torch.zeros(1)}, tmp_path / 'a.pth', pickle_protocol=5)
    with pytest.raises(ValueError, match=r'a\.pth cannot be read: .* operation 149\); save it again, without pickle_p'):
        read_checkpoint(tmp_path / 'a.pth')


def test_a_nested_tensor_is_refused(tmp_path):
    torch.save({'a': torch.nested.nested_tensor([torch.zeros(2), torch.zeros(1)])}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a is not a plain tensor: .* or nested'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('encoding', ['hex', 'utf-32'])
def test_bytes_are_encoded_in_one_way(encoding, tmp_path):
    """Each call of ``hex`` doubles what it is given."""
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'x': Call(_codecs.encode, 'a', encoding)}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=rf"a\.pth .*refused to encode with '{encoding}'"):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('copies', [bytearray, set])
def test_one_value_is_not_copied_again_and_again(copies, tmp_path):
    value = 'a' * 10_000 if copies is bytearray else list(range(10_000))
    arguments = (value, 'latin1') if copies is bytearray else (value,)
    torch.save(
        {'state_dict': {'a': torch.zeros(1)}, 'x': [Call(copies, *arguments) for _ in range(200)]}, tmp_path / 'a'
    )
    with pytest.raises(ValueError, match='its pickle copies the same values again and again'):
        read_checkpoint(tmp_path / 'a')


def test_plain_containers_are_read(tmp_path):
    meta = dict(a=bytearray(b'ab'), b={1, 2}, c=Counter('aab'), d=OrderedDict(a=1), e=b'ab', f=np.arange(3.0), g=1j)
    meta['h'] = torch.nn.Parameter(torch.ones(2))
    meta['i'] = torch.ones(2)
    meta['i'].note = 'attributes of a tensor are pickled by a call of a call'
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': meta}, tmp_path / 'a.pth')
    read = read_checkpoint(tmp_path / 'a.pth').meta
    assert all(read[key] == meta[key] for key in 'abcdeg')
    assert [read[key].tolist() for key in 'fhi'] == [[0, 1, 2], [1, 1], [1, 1]]
    assert read['i'].note == meta['i'].note


def test_a_pickle_is_checked_under_each_name_that_torch_finds(tmp_path):
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': Call(bytearray, 2**40)}, tmp_path / 'a.pth')
    with zipfile.ZipFile(tmp_path / 'a.pth') as given, zipfile.ZipFile(tmp_path / 'b.pth', 'w') as archive:
        for name in given.namelist():
            archive.writestr(name.replace('data.pkl', 'DATA.PKL'), given.read(name))
    with pytest.raises(ValueError, match=r'b\.pth .*its pickle calls __builtin__\.bytearray'):
        read_checkpoint(tmp_path / 'b.pth')


def test_the_keys_behind_an_old_checkpoint_are_checked_too(tmp_path):
    torch.save({'a': 1}, tmp_path / 'a.pth', _use_new_zipfile_serialization=False)
    without_keys = (tmp_path / 'a.pth').read_bytes().removesuffix(pickle.dumps([], 2))
    (tmp_path / 'a.pth').write_bytes(without_keys + pickle.dumps(Call(bytearray, 2**40), 2))
    with pytest.raises(ValueError, match=r'a\.pth .*its pickle calls __builtin__\.bytearray'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('place', ['state_dict', 'optimizer'])
def test_tensors_that_expand_are_refused(place, tmp_path):
    content = {'state_dict': {'a': torch.zeros(1)}, 'optimizer': {}, 'tied': torch.zeros(1).expand(2**18)}
    torch.save(content, tmp_path / 'a.pth')
    assert read_checkpoint(tmp_path / 'a.pth').tensors.keys() == {'a'}
    content[place] = {'a': torch.zeros(1), 'b': [(torch.zeros(1).expand(10**10),)]}
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth .*shape \(10000000000,\), repeat values of more than 1 GiB'):
        read_checkpoint(tmp_path / 'a.pth')


class RefusedError(Exception):
    """The one error, which names the file."""


def read(path):
    try:
        return read_checkpoint(path)
    except ValueError as error:
        raise (RefusedError if str(path) in str(error) else RuntimeError)(error) from error


def test_any_damage_is_one_error_that_names_the_file(tmp_path):
    torch.save({'state_dict': {'a': torch.randn(9)}, 'meta': {'x': np.arange(3.0)}}, tmp_path / 'good.pth')
    torch.save({'a': torch.randn(9)}, tmp_path / 'legacy.pth', _use_new_zipfile_serialization=False)
    write_pickle(tmp_path / 'blobs.pkl', {'blobs': {'w': np.zeros(9, 'f4')}})
    random = np.random.default_rng(0)
    for name, count in {'good.pth': 400, 'legacy.pth': 300, 'blobs.pkl': 300}.items():
        content = (tmp_path / name).read_bytes()
        for _ in range(count):
            damaged = bytearray(content)
            for place in random.integers(0, len(content), int(200 ** random.random())):
                damaged[place] = random.integers(256)
            path = tmp_path / 'damaged'
            path.write_bytes(damaged[: random.integers(1, len(damaged) + 1)] if random.random() < 0.2 else damaged)
            with suppress(RefusedError):
                read(path)


def test_safetensors(tmp_path):
    tensors = {'a': torch.arange(6.0).view(2, 3), 'b': torch.tensor(7), 'c': torch.ones(2, dtype=torch.bfloat16)}
    header, data = {'__metadata__': {'format': 'pt'}}, b''
    for name, tensor in tensors.items():
        raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        dtype = {torch.float32: 'F32', torch.int64: 'I64', torch.bfloat16: 'BF16'}[tensor.dtype]
        header[name] = dict(dtype=dtype, shape=list(tensor.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw

    def write(header):
        text = json.dumps(header).encode()
        (tmp_path / 'a.safetensors').write_bytes(len(text).to_bytes(8, 'little') + text + data)
        return tmp_path / 'a.safetensors'

    loaded = read_checkpoint(write(header)).tensors
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())
    for wrong in (dict(shape=[1 << 40]), dict(data_offsets=[0, 1 << 40]), dict(dtype='X')):
        with pytest.raises(ValueError, match=r'a\.safetensors is damaged'):
            read_checkpoint(write({**header, 'a': {**header['a'], **wrong}}))
    with pytest.raises(ValueError, match=r'a\.safetensors is damaged.* shares bytes with another tensor'):
        read_checkpoint(write({**header, **{f'a{number}': header['a'] for number in range(9)}}))
    path = write(header)
    path.write_bytes((2**40).to_bytes(8, 'little') + path.read_bytes()[8:])  # would be allocated
    with pytest.raises(ValueError, match='its header of 1099511627776 bytes is longer than the file'):
        read_checkpoint(path)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A local server of a folder, and a cache of torch.hub for what is fetched from it."""
    folder = tmp_path / 'served'
    folder.mkdir()
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield folder, f'http://127.0.0.1:{served.server_port}'
        served.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_urls_are_fetched_into_the_cache(server, tmp_path, monkeypatch):
    folder, url = server
    weight = torch.randn(3)
    torch.save({'a': weight}, folder / 'weights.pth')
    assert torch.equal(read_checkpoint(f'{url}/weights.pth?raw=1').tensors['a'], weight)
    (folder / 'weights.pth').unlink()
    assert torch.equal(read_checkpoint(f'{url}/weights.pth?raw=1').tensors['a'], weight)  # not fetched again
    torch.save({'w': Evil(tmp_path / 'trap')}, folder / 'evil.pth')
    with pytest.raises(ValueError, match=r'evil\.pth holds more than tensors'):
        read_checkpoint(f'{url}/evil.pth')
    with pytest.raises(FileNotFoundError, match=r'absent\.pth cannot be downloaded: HTTP Error 404'):
        read_checkpoint(f'{url}/absent.pth')
    (folder / 'cut.pth').write_bytes((folder / 'evil.pth').read_bytes()[:99])
    with pytest.raises(ValueError, match=rf'the file of {url}/cut\.pth; delete it to fetch it again\) is damaged'):
        read_checkpoint(f'{url}/cut.pth')
    torch.save({'b': weight}, folder / 'named.pth')
    for scheme, table in (('torchvision', 'get_torchvision_models'), ('open-mmlab', 'get_external_models')):
        monkeypatch.setattr(f'mmengine.runner.checkpoint.{table}', lambda: {'net18': f'{url}/named.pth'})
        assert torch.equal(read_checkpoint(f'{scheme}://net18').tensors['b'], weight)
        with pytest.raises(FileNotFoundError, match=f"{scheme}://net9: {scheme} has no model 'net9'"):
            read_checkpoint(f'{scheme}://net9')
    with pytest.raises(FileNotFoundError, match=r'ftp://x: known are https://, '):
        read_checkpoint('ftp://x')
