import pytest
import torch

from mmvidext.checkpoints import read_checkpoint
from tests.oracles.official_weights import mobilenet_v2, random_values
from tools.convert_checkpoint import main

CONFIG = 'configs/tsm_causal_mobilenet_v2_jester.py'


def test_converts_a_checkpoint(tmp_path, capsys):
    shapes = mobilenet_v2() | {'classifier.weight': (27, 1280), 'classifier.bias': (27,)}
    official = random_values(shapes)
    path, out = tmp_path / 'mobilenetv2_jester_online.pth.tar', tmp_path / 'new' / 'jester.pth'
    torch.save(official, path)
    main([CONFIG, str(path), str(out)])
    assert 'tsm, ' in capsys.readouterr().out
    converted = read_checkpoint(out).tensors
    assert torch.equal(converted['backbone.layer2.1.conv.0.net.conv.weight'], official['features.3.conv.0.weight'])
    assert torch.equal(converted['cls_head.fc_cls.bias'], official['classifier.bias'])
    with pytest.raises(SystemExit, match=r"error: .* are not those of 'tin'; they are those of 'tsm'"):
        main([CONFIG, str(path), str(out), '--source', 'tin'])
    with pytest.raises(SystemExit, match=r'wrong: classifier\.weight is \(27, 1280\) instead of \(5, 1280\)'):
        main([CONFIG, str(path), str(out), '--cfg-options', 'model.cls_head.num_classes=5'])
    with pytest.raises(SystemExit, match=r'error: these names .* are not those of any source: not official, or conver'):
        main([CONFIG, str(out), str(tmp_path / 'twice.pth')])


def test_reports_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SystemExit, match='error: there is no checkpoint'):
        main([CONFIG, str(tmp_path / 'absent.pth'), str(tmp_path / 'out.pth')])
    path = tmp_path / 'in.pth'
    torch.save({'a': torch.zeros(1)}, path)
    with pytest.raises(SystemExit, match='error: there is no config none'):
        main(['none.py', str(path), str(tmp_path / 'out.pth')])


def test_does_not_write_into_a_folder(tmp_path):
    with pytest.raises(SystemExit, match=r'error: .* is a folder: name the file'):
        main([CONFIG, str(tmp_path / 'in.pth'), str(tmp_path)])
