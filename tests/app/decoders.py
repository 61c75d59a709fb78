"""Decoders that misbehave, for processes of their own, which import them by name."""

import os
import signal
import time


def crashing(path, connection, limits):
    os.kill(os.getpid(), signal.SIGSEGV)


def hanging(path, connection, limits):
    time.sleep(60)


def _sending(connection, *messages):
    for message in messages:
        connection.send_bytes(message)
    time.sleep(60)


def babbling(path, connection, limits):
    _sending(connection, b'no JSON')


def saying_too_little(path, connection, limits):
    _sending(connection, b'{"num_frames": 1}')


def saying_too_much(path, connection, limits):
    _sending(connection, b'{"num_frames": 1e999, "frame_rate": 1}')


def listing(path, connection, limits):
    _sending(connection, b'[]')


def without_a_shape(path, connection, limits):
    _sending(connection, b'{"num_frames": 1, "frame_rate": 1}', b'{}')


def of_a_negative_size(path, connection, limits):
    _sending(connection, b'{"num_frames": 1, "frame_rate": 1}', b'{"shape": [-1, 1, 3]}', bytes(3))


def lying(path, connection, limits):
    """Announce a small frame and send a large one."""
    connection.send_bytes(b'{"num_frames": 1, "frame_rate": 1}')
    connection.send_bytes(b'{"shape": [1, 1, 3]}')
    connection.send_bytes(bytes(1000))


def stopping(path, connection, limits):
    """Send one frame, and die."""
    connection.send_bytes(b'{"num_frames": 2, "frame_rate": 1}')
    connection.send_bytes(b'{"shape": [1, 1, 3]}')
    connection.send_bytes(bytes(3))
    os.kill(os.getpid(), signal.SIGKILL)
