import pytest
import torch

from mmvidext.checkpoints import load_checkpoint_file
from tests.oracles.official_weights import mobilenet_v2, random_values
from tools.convert_checkpoint import main


def test_converts_a_checkpoint(tmp_path, capsys):
    shapes = mobilenet_v2() | {'classifier.weight': (27, 1280), 'classifier.bias': (27,)}
    official = random_values(shapes)
    path, out = tmp_path / 'mobilenetv2_jester_online.pth.tar', tmp_path / 'new' / 'jester.pth'
    torch.save(official, path)
    main([str(path), str(out)])
    assert 'tsm, ' in capsys.readouterr().out
    converted = load_checkpoint_file(out)
    assert torch.equal(converted['backbone.layer2.1.conv.0.net.conv.weight'], official['features.3.conv.0.weight'])
    assert torch.equal(converted['cls_head.fc_cls.bias'], official['classifier.bias'])
    with pytest.raises(SystemExit, match=r"error: .* are not those of 'tin'; they are those of 'tsm'"):
        main([str(path), str(out), '--source', 'tin'])


def test_reports_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SystemExit, match='error: there is no checkpoint'):
        main([str(tmp_path / 'absent.pth'), str(tmp_path / 'out.pth')])


def test_does_not_write_into_a_folder(tmp_path):
    with pytest.raises(SystemExit, match=r'error: .* is a folder: name the file'):
        main([str(tmp_path / 'in.pth'), str(tmp_path)])
