"""Videos inside of tar files, each read by its place: the address names file, offset and size.

``shards://FOLDER/train-000003.tar/1536+20480/17.mp4`` is the 20,480 bytes of ``FOLDER/train-000003.tar`` from byte
1,536 on, which were ``17.mp4``. mmengine's file backends know such addresses, so that whatever reads a video by its
path reads it from a shard too.
"""

import re

from mmengine.fileio import BaseStorageBackend, register_backend

from mmvidext.datasets.media.files import BadFileError, file_problem

__all__ = ['PREFIX', 'ShardBackend', 'member_path', 'shard_of']

PREFIX = 'shards'
_MEMBER = re.compile(r'(?P<shard>.*\.tar)/(?P<offset>[0-9]{1,15})\+(?P<size>[0-9]{1,12})/.+', re.DOTALL)


def member_path(shard: str, offset: int, size: int, name: str) -> str:
    """Return the path of a video in a shard, for an annotation list."""
    return f'{shard}/{offset}+{size}/{name}'


def _parse(path: str) -> re.Match[str]:
    found = _MEMBER.fullmatch(path)
    if found is None:
        raise BadFileError(
            f'{path} is not the place of a video in a shard, such as train-000003.tar/1536+20480/17.mp4; the list must '
            'be one that "mmvidext data shard" wrote'
        )
    return found


def shard_of(path: str) -> str:
    """Return the shard that a video is in.

    Raises:
        BadFileError: If the path is not that of a video in a shard.
    """
    return _parse(path)['shard']


class ShardBackend(BaseStorageBackend):
    """The file backend of mmengine behind ``shards://``; the tar files are on a local or mounted disk."""

    def get(self, filepath: str) -> bytes:
        """Return the bytes of a video.

        Raises:
            FileNotFoundError: If there is no such shard.
            BadFileError: If the path is not that of a video in a shard, or the shard is truncated or no regular file.
        """
        found = _parse(filepath.removeprefix(f'{PREFIX}://'))
        if problem := file_problem(found['shard']):
            kind = FileNotFoundError if problem == 'does not exist' else BadFileError
            raise kind(f'{found["shard"]} {problem}: {filepath} is not in it')
        offset, size = int(found['offset']), int(found['size'])
        with open(found['shard'], 'rb') as file:
            if offset + size > file.seek(0, 2):  # room is made for what is read
                raise BadFileError(f'{found["shard"]} is truncated: {filepath} is not in it')
            file.seek(offset)
            return file.read(size)

    def get_text(self, filepath: str, encoding: str = 'utf-8') -> str:
        """Return the text of a member."""
        return self.get(filepath).decode(encoding)


register_backend(PREFIX, ShardBackend, prefixes=PREFIX, force=True)
