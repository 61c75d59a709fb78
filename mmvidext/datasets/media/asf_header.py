"""How long a WMV or another ASF file should be: FFmpeg does not say it where the size of the file differs."""

import struct

__all__ = ['HEADER_BYTES', 'asf_duration']

HEADER_BYTES = 2**16  # of the beginning of a file, where the properties of the file are
_FILE_PROPERTIES = bytes.fromhex('a1dcab8c47a9cf118ee400c00c205365')
_IS_BROADCAST = 1  # then the file says nothing about its end


def asf_duration(header: bytes) -> float:
    """Return the seconds that the File Properties Object states (ASF specification, section 3.2), without the preroll.

    Args:
        header: The beginning of the file.

    Returns:
        Seconds; 0 if nothing is stated.
    """
    start = header.find(_FILE_PROPERTIES)
    if start < 0 or start + 92 > len(header):
        return 0.0
    play_duration, _, preroll, flags = struct.unpack_from('<3QI', header, start + 64)
    return 0.0 if flags & _IS_BROADCAST else max(0.0, play_duration / 1e7 - preroll / 1e3)
