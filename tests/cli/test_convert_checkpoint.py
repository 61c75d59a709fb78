import torch

from mmvidext.checkpoints import load_checkpoint_file
from mmvidext.cli.convert import convert
from tests.cli.invoke import invoke
from tests.oracles.official_weights import mobilenet_v2, random_values


def test_converts_a_checkpoint(tmp_path):
    shapes = mobilenet_v2() | {'classifier.weight': (27, 1280), 'classifier.bias': (27,)}
    official = random_values(shapes)
    path, out = tmp_path / 'mobilenetv2_jester_online.pth.tar', tmp_path / 'new' / 'jester.pth'
    torch.save(official, path)
    assert 'tsm, ' in invoke(convert, path, out)
    converted = load_checkpoint_file(out)
    assert torch.equal(converted['backbone.layer2.1.conv.0.net.conv.weight'], official['features.3.conv.0.weight'])
    assert torch.equal(converted['cls_head.fc_cls.bias'], official['classifier.bias'])
    output = invoke(convert, path, out, '--source', 'tin', status=1)
    assert "are not those of 'tin'; they are those of 'tsm'" in output


def test_reports_a_file_that_is_not_there(tmp_path):
    assert 'Error: there is no checkpoint' in invoke(convert, tmp_path / 'absent.pth', tmp_path / 'out.pth', status=1)


def test_does_not_write_into_a_folder(tmp_path):
    assert 'is a directory' in invoke(convert, tmp_path / 'in.pth', tmp_path, status=2)
