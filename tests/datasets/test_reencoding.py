import json
import os
import subprocess
import sys
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from mmvidext.cli.data.reencode import reencode
from mmvidext.datasets.media import reencode as one_video
from mmvidext.datasets.media.compare import compare_frames
from mmvidext.datasets.media.reencode import Encoding, reencode_video
from mmvidext.datasets.media.video_file import BadVideoError, VideoFile
from mmvidext.datasets.reencoding import reencode_videos
from tests.cli.invoke import invoke
from tests.datasets.videos import write_video, write_with_av


def key_frames(path):
    """Return the numbers of the key frames, and the seconds of each frame after the first."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    times = [float((packet.pts - packets[0].pts) * packet.time_base) for packet in packets]
    return [number for number, packet in enumerate(packets) if packet.is_keyframe], times


@pytest.mark.parametrize(
    ('name', 'settings'),
    [
        ('variable_rate.mp4', dict(skip=(3, 4, 11))),
        ('ntsc.mkv', dict(codec='libx264', rate=Fraction(30000, 1001))),
        ('late.ts', dict(codec='libx264')),
        ('full_range.mkv', dict(codec='mjpeg')),
        ('disordered.avi', dict(codec='libx264')),
    ],
)
def test_a_copy_has_the_frames_of_the_original_at_their_times(tmp_path, name, settings):
    source = write_with_av(tmp_path / name, **settings)
    target = tmp_path / 'copy.mp4'
    made = reencode_video(str(source), target, Encoding(key_frame_interval=6))
    original, copy = VideoFile(str(source)), VideoFile(str(target))
    assert made.num_frames == copy.num_frames == original.num_frames == 20
    assert copy.frame_rate == pytest.approx(original.frame_rate, rel=1e-3)
    numbers, times = key_frames(target)
    assert numbers == [0, 6, 12, 18]
    expected = [(number + 2 * (number > 2) + (number > 8)) / 12 for number in range(20)]
    if not settings.get('skip'):
        expected = [float(number / Fraction(settings.get('rate', 12))) for number in range(20)]
    np.testing.assert_allclose(times, expected, atol=1e-3)
    for frame, other in zip(original.frames(range(20)), copy.frames(range(20)), strict=True):
        assert np.abs(frame.astype(int) - other).mean() < 8


def test_every_frame_a_key_frame_and_a_smaller_picture(tmp_path):
    source = write_with_av(tmp_path / 'odd.mkv', codec='ffv1', size=(75, 50))
    reencode_video(str(source), tmp_path / 'copy.mp4', Encoding(1, short_side=24, min_psnr=20))
    assert VideoFile(str(tmp_path / 'copy.mp4')).frames([0])[0].shape == (24, 36, 3)
    assert key_frames(tmp_path / 'copy.mp4')[0] == list(range(20))
    reencode_video(str(source), tmp_path / 'copy.mp4', Encoding(short_side=500, min_psnr=20))
    assert VideoFile(str(tmp_path / 'copy.mp4')).frames([0])[0].shape == (50, 76, 3)


def test_without_an_encoder_for_h264_the_copy_is_mpeg4(tmp_path, monkeypatch):
    write_video(tmp_path / 'a.webm', num_frames=20)
    monkeypatch.setattr(one_video.av, 'codecs_available', {'mpeg4'})
    reencode_video(str(tmp_path / 'a.webm'), tmp_path / 'a.mp4', Encoding(5))
    with av.open(str(tmp_path / 'a.mp4')) as container:
        assert container.streams.video[0].name == 'mpeg4'
    assert key_frames(tmp_path / 'a.mp4')[0] == [0, 5, 10, 15]


def test_a_copy_that_differs_is_refused(tmp_path):
    original = VideoFile(str(write_with_av(tmp_path / 'a.mkv', codec='ffv1')))
    times = [Fraction(number, 12) for number in range(20)]

    def compare(**settings):
        copy = VideoFile(str(write_with_av(tmp_path / 'b.mkv', codec='ffv1', **settings)))
        return compare_frames(original, copy, times, min_psnr=30)

    assert compare() > 100
    with pytest.raises(BadVideoError, match='has 20 frames, but its copy has not: it ends at 19'):
        compare(num_frames=19)
    with pytest.raises(BadVideoError, match='has 20 frames, but its copy has not'):
        compare(num_frames=21)
    with pytest.raises(BadVideoError, match=r'frame 5 is at 0\.417 s, but not in the copy'):
        compare(skip=(5,))
    with pytest.raises(BadVideoError, match=r'frame 0 of the copy has a peak signal-to-noise ratio of .* below 30'):
        compare(first=1)


def test_lists_are_written_anew_and_failures_have_reasons(tmp_path):
    videos = tmp_path / 'videos'
    (videos / 'a').mkdir(parents=True)
    write_video(videos / 'a' / 'one two.webm')
    write_video(videos / '2.webm', seed=1)
    (videos / '3.webm').write_bytes((videos / '2.webm').read_bytes()[:-200])
    (tmp_path / 'train.txt').write_text('a/one two.webm\t3\n3.webm 1\n2.webm 4 5\n')
    (tmp_path / 'val.txt').write_text('2.webm 4\n')
    out = tmp_path / 'fast'
    arguments = (videos, out, '--list', tmp_path / 'train.txt', '--list', tmp_path / 'val.txt', '--workers', 0)
    output = invoke(reencode, *arguments, status=1)
    assert '2 videos encoded with libx264, 0 done before, 1 failed' in output
    assert '3.webm: is truncated' in output
    assert '3.webm\tis truncated' in (out / 'failed_videos.txt').read_text()
    assert not (out / 'train.txt').exists()
    output = invoke(reencode, *arguments, '--drop-bad')
    assert '0 videos encoded with libx264, 2 done before, 1 failed' in output
    assert f"data_prefix=dict(video='{out}/videos')" in output
    assert (out / 'train.txt').read_text() == 'a/one two.mp4\t3\n2.mp4 4 5\n'
    assert (out / 'val.txt').read_text() == '2.mp4 4\n'
    assert VideoFile(str(out / 'videos/a/one two.mp4')).num_frames == 8


def test_a_second_run_does_what_is_missing_or_has_changed(tmp_path):
    videos, out = tmp_path / 'videos', tmp_path / 'out'
    videos.mkdir()
    for name in '123':
        write_video(videos / f'{name}.webm', seed=int(name))
    first = reencode_videos(videos, out)
    assert (len(first.videos), first.num_kept, first.failed) == (3, 0, [])
    left_behind = out / 'videos' / '.1.123-0123abcd.mp4'
    left_behind.write_bytes(b'part of a video')
    with (out / 'reencoded.jsonl').open('a') as journal:
        journal.write('[' * 100_000 + '\n{"path": [], "size": 1, "modified": 1, "encoder": ""}\n{"path": "1.we')
    assert reencode_videos(videos, out).num_kept == 3
    assert not left_behind.exists()
    write_video(videos / '1.webm', num_frames=5)
    (out / 'videos' / '2.mp4').unlink()
    again = reencode_videos(videos, out)
    assert (again.num_kept, [video.num_frames for video in again.videos]) == (1, [5, 8, 8])
    assert reencode_videos(videos, out, encoding=Encoding(4)).num_kept == 0


def test_no_original_and_no_copy_of_another_video_is_replaced(tmp_path):
    for folder, name in (('data', 'a.webm'), ('data/videos', 'a.mp4'), ('other', 'a.webm'), ('linked', 'b.webm')):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_bytes(folder.encode())
    data, videos, other, linked = (tmp_path / name for name in ('data', 'data/videos', 'other', 'linked'))
    for out in (data, data / 'fast'):
        with pytest.raises(ValueError, match=r'data has the originals; choose a folder outside of it .* not .*data'):
            reencode_videos(data, out)
    assert (videos / 'a.mp4').read_bytes() == b'data/videos'
    (linked / 'a.mp4').symlink_to(videos / 'a.mp4')
    with pytest.raises(ValueError, match=r'linked/a\.mp4 lies among the copies in .*data/videos; choose another'):
        reencode_videos(linked, data)
    out = tmp_path / 'out'
    write_video(other / 'a.webm')
    assert reencode_videos(other, out).failed == []
    (tmp_path / 'other').rename(tmp_path / 'moved')
    assert reencode_videos(tmp_path / 'moved', out).num_kept == 1
    copy = (out / 'videos' / 'a.mp4').read_bytes()
    with pytest.raises(ValueError, match=r'a\.mp4 is the copy of .*other/a\.webm, which that of .*/videos/a\.mp4'):
        reencode_videos(videos, out)
    (tmp_path / 'moved' / 'a.webm').rename(tmp_path / 'moved' / 'a.avi')
    with pytest.raises(ValueError, match=r'a\.mp4 is the copy of .*other/a\.webm, which that of .*moved/a\.avi'):
        reencode_videos(tmp_path / 'moved', out)
    assert (out / 'videos' / 'a.mp4').read_bytes() == copy


def test_what_an_earlier_run_did_not_make_stays(tmp_path):
    """A clip, list or text under a name of ours is refused, before anything is written."""
    videos, out, ann_file = tmp_path / 'videos', tmp_path / 'out', tmp_path / 'train.txt'
    (out / 'videos').mkdir(parents=True)
    videos.mkdir()
    write_video(videos / '1.webm')
    (videos / '2.webm').write_bytes(b'no video')
    ann_file.write_text('1.webm 0\n2.webm 1\n')
    arguments = (videos, out, '--list', ann_file, '--drop-bad', '--workers', 0)
    for name in ('videos/1.mp4', 'videos/2.mp4', 'train.txt', 'failed_videos.txt'):
        (out / name).write_bytes(b'mine')
        assert f'{name} would be replaced' in invoke(reencode, *arguments, status=1)
        assert (out / name).read_bytes() == b'mine'
        assert not (out / 'reencoded.jsonl').exists()
        (out / name).unlink()
    invoke(reencode, *arguments)
    (out / 'videos' / '2.mp4').write_bytes(b'mine')  # failed, so no copy of it was made
    assert '2.mp4 would be replaced' in invoke(reencode, *arguments, status=1)
    (out / 'videos' / '2.mp4').unlink()
    ann_file.write_text('2.webm 1\n1.webm 3\n')
    invoke(reencode, *arguments)
    assert (out / 'train.txt').read_text() == '1.mp4 3\n'
    (out / 'train.txt').write_text('1.mp4 7\n')
    assert 'train.txt would be replaced, and this version of mmvidext has not' in invoke(reencode, *arguments, status=1)
    (out / 'train.txt').unlink()
    (out / 'reencoded.jsonl').unlink()
    assert 'reencoded.jsonl does not name it as a copy' in invoke(reencode, *arguments, status=1)


@pytest.mark.skipif(sys.platform != 'linux', reason='needs locks')
def test_a_second_run_at_once_is_refused(tmp_path):
    videos, out = tmp_path / 'videos', tmp_path / 'out'
    videos.mkdir()
    write_video(videos / '1.webm')
    being_written = out / 'videos' / '.2.123-0123abcd.mp4'
    being_written.parent.mkdir(parents=True)
    being_written.touch()
    lock = str(out / '.lock')
    code = f'import fcntl; file = open({lock!r}, "a+"); fcntl.lockf(file, fcntl.LOCK_EX); print(); input()'
    with subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        output = invoke(reencode, videos, out, '--workers', 0, status=1)
        other.communicate(b'\n')
    assert 'out is in use by another process: two runs would overwrite each other; wait for it' in output
    assert being_written.exists()
    assert not (out / 'reencoded.jsonl').exists()


def test_bad_arguments(tmp_path):
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        reencode_videos(tmp_path / 'videos', tmp_path / 'out')
    (tmp_path / 'videos').mkdir()
    with pytest.raises(FileNotFoundError, match='there is no video in'):
        reencode_videos(tmp_path / 'videos', tmp_path / 'out')
    for name in ('1.webm', '1.avi'):
        (tmp_path / 'videos' / name).touch()
    with pytest.raises(ValueError, match=r'the copies of 1\.avi and 1\.webm would have the same name 1\.mp4'):
        reencode_videos(tmp_path / 'videos', tmp_path / 'out')
    (tmp_path / 'a.txt').write_text(f'{"x" * 252}.ts 0\n')
    with pytest.raises(ValueError, match=r'the copy of x*\.ts would have a name of more than 255 bytes; rename'):
        reencode_videos(tmp_path / 'videos', tmp_path / 'out', lists=[tmp_path / 'a.txt'])
    with pytest.raises(ValueError, match='has the originals'):
        reencode_videos(tmp_path / 'videos', tmp_path)
    (tmp_path / 'a.txt').write_text('1.avi 0\n')
    with pytest.raises(ValueError, match=r'a\.txt would be replaced'):
        reencode_videos(tmp_path / 'videos', tmp_path, lists=[tmp_path / 'a.txt'])
    for settings in (dict(key_frame_interval=0), dict(short_side=1), dict(crf=52)):
        with pytest.raises(ValueError, match=f'{next(iter(settings))} must be'):
            Encoding(**settings)


@pytest.mark.skipif(sys.platform != 'linux', reason='limits the size of files')
def test_a_disk_that_is_full_ends_the_run(tmp_path):
    import resource

    write_video(tmp_path / 'a.webm', num_frames=40, size=(160, 120))
    _, most = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, most))
    try:
        with pytest.raises(OSError, match=r'copy\.mp4 cannot be written: File too large'):
            reencode_video(str(tmp_path / 'a.webm'), tmp_path / 'copy.mp4', Encoding())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ['a.webm']


@pytest.mark.skipif(sys.platform != 'linux', reason='looks for processes of a group')
def test_a_killed_run_leaves_whole_copies_and_no_process(tmp_path):
    videos, out = tmp_path / 'videos', tmp_path / 'out'
    videos.mkdir()
    for number in range(12):
        write_video(videos / f'{number}.webm', num_frames=40, size=(160, 120))
    code = (
        'from pathlib import Path; from mmvidext.datasets.reencoding import reencode_videos; '
        f'reencode_videos(Path({str(videos)!r}), Path({str(out)!r}), workers=1)'
    )
    run = subprocess.Popen([sys.executable, '-c', code], start_new_session=True, stderr=subprocess.DEVNULL)
    journal = out / 'reencoded.jsonl'
    while not journal.exists() or journal.read_text().count('null') < 2:
        assert run.poll() is None
        time.sleep(0.02)
    run.kill()
    run.wait()
    deadline = time.monotonic() + 20
    while _is_alive(run.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lines = [json.loads(line) for line in journal.read_text().splitlines() if line]
    done = [line['path'] for line in lines if line['problem'] is None]
    result = reencode_videos(videos, out)
    assert 2 <= len(done) <= result.num_kept + 1 < 13
    assert (len(result.videos), result.failed) == (12, [])
    assert len(list((out / 'videos').iterdir())) == 12


def _is_alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
