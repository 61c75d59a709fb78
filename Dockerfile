# mmvidext with its command, on the CPU or on a GPU.
#
#   docker build -t mmvidext .
#   docker build -t mmvidext:cuda --build-arg BASE=pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime .
#   docker run --rm -v "$PWD":/data mmvidext train videos --model ms_tsm_r18
#
# BASE is an image with Python 3.10 or newer: python:3.12-slim gets torch for the CPU, and the torch of an image that has one
# is kept. For a GPU, take an image of torch for its CUDA, and run with --gpus all --shm-size 8g.
ARG BASE=python:3.12-slim
FROM ${BASE}

ARG TORCH=torch==2.13.0
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=openmmlab

# opencv-python needs the libraries of a desktop
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/mmvidext
COPY . .
# Debian and the images of torch protect their Python from pip: a container has no other use for it
ENV PIP_BREAK_SYSTEM_PACKAGES=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -c 'import torch' 2>/dev/null || python3 -m pip install "$TORCH" 'setuptools<81' --index-url "$TORCH_INDEX" \
        --extra-index-url https://pypi.org/simple
RUN python3 -m pip install -c tools/constraints.txt ".[$EXTRAS]" \
    && mmvidext doctor

WORKDIR /data
ENTRYPOINT ["mmvidext"]
CMD ["--help"]
