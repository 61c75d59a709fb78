import torch

from mmvidext.checkpoints import read_checkpoint
from mmvidext.cli.convert import convert
from tests.cli.invoke import invoke
from tests.oracles.official_weights import mobilenet_v2, random_values

CONFIG = 'mmvidext::tsm_causal_mobilenet_v2_jester'


def test_converts_a_checkpoint(tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr('mmengine.logging.MMLogger.info', lambda self, text, *rest: logged.append(text))
    shapes = mobilenet_v2() | {'classifier.weight': (27, 1280), 'classifier.bias': (27,)}
    official = random_values(shapes)
    path, out = tmp_path / 'mobilenetv2_jester_online.pth.tar', tmp_path / 'new' / 'jester.pth'
    torch.save({**official, 'data_preprocessor.mean': torch.zeros(3)}, path)
    assert 'tsm, ' in invoke(convert, CONFIG, path, out)
    assert logged[-1].endswith('; left aside: data_preprocessor.mean')
    converted = read_checkpoint(out).tensors
    assert torch.equal(converted['backbone.layer2.1.conv.0.net.conv.weight'], official['features.3.conv.0.weight'])
    assert torch.equal(converted['cls_head.fc_cls.bias'], official['classifier.bias'])
    output = invoke(convert, CONFIG, path, out, '--source', 'tin', status=1)
    assert "are not those of 'tin'; they are those of 'tsm'" in output
    output = invoke(convert, CONFIG, path, out, '--cfg-options', 'model.cls_head.num_classes=5', status=1)
    assert 'wrong: classifier.weight is (27, 1280) instead of (5, 1280)' in output
    output = invoke(convert, CONFIG, out, tmp_path / 'twice.pth', status=1)
    assert 'are not those of any source: not official, or conver' in output


def test_reports_a_file_that_is_not_there(tmp_path):
    output = invoke(convert, CONFIG, tmp_path / 'absent.pth', tmp_path / 'out.pth', status=1)
    assert 'Error: there is no checkpoint' in output
    path = tmp_path / 'in.pth'
    torch.save({'a': torch.zeros(1)}, path)
    assert 'Error: there is no config none' in invoke(convert, 'none.py', path, tmp_path / 'out.pth', status=1)


def test_does_not_write_into_a_folder(tmp_path):
    assert 'is a directory' in invoke(convert, CONFIG, tmp_path / 'in.pth', tmp_path, status=2)
