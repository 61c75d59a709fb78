"""Decoders that misbehave, for processes of their own, which import them by name."""

import os
import signal
import time


def crashing(path, connection, limits):
    os.kill(os.getpid(), signal.SIGSEGV)


def hanging(path, connection, limits):
    time.sleep(60)


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
