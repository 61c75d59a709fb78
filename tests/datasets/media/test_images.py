import cv2
import numpy as np
import pytest

from mmvidext.datasets.media.images import read_image, read_rgb


@pytest.mark.parametrize('shape', [(6, 8), (6, 8, 3)], ids=['gray', 'color'])
def test_a_picture_of_12_bits_is_not_read_as_almost_black(tmp_path, shape):
    """OpenCV cuts 16 bits down to the upper 8: 12 bits become 0 to 15."""
    picture = np.random.default_rng(0).integers(0, 4096, shape, np.uint16)
    picture.flat[0] = 4095
    cv2.imwrite(str(tmp_path / 'camera.png'), picture)
    for read in (read_image, read_rgb):
        with pytest.raises(ValueError, match=r'camera\.png has values of uint16 \(up to 4095\), but 8 bits are read'):
            read(str(tmp_path / 'camera.png'))
    np.testing.assert_array_equal(read_image(str(tmp_path / 'camera.png'), cv2.IMREAD_UNCHANGED), picture)


@pytest.mark.parametrize('header', [b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 6 +X 8\n', b'PF\n8 6\n-1.0\n'])
def test_a_format_whose_size_is_not_known_before_it_is_decoded(tmp_path, monkeypatch, header):
    """OpenCV goes by the first bytes, whatever the name: a small file could ask for gigabytes."""
    (tmp_path / 'a.jpg').write_bytes(header + bytes(8 * 6 * 12))
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('decoded'))
    with pytest.raises(ValueError, match=r'a\.jpg is not a picture, or is damaged'):
        read_image(str(tmp_path / 'a.jpg'))


@pytest.mark.parametrize('suffix', ['png', 'jpg', 'ppm', 'bmp'])
def test_8_bits_are_what_opencv_reads(tmp_path, suffix):
    path = str(tmp_path / f'a.{suffix}')
    cv2.imwrite(path, np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8))
    np.testing.assert_array_equal(read_image(path), cv2.imread(path))
    np.testing.assert_array_equal(read_rgb(path), cv2.imread(path)[..., ::-1])
    np.testing.assert_array_equal(read_image(path, cv2.IMREAD_GRAYSCALE), cv2.imread(path, cv2.IMREAD_GRAYSCALE))
