_base_ = ['./_base_/recognizer_2d_r18.py', './_base_/camera_turns.py', './_base_/recognition_runtime.py']
