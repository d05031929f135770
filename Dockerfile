# The workflow and all it needs, for a machine with a container engine:
#
#   docker build -t porevox .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" porevox --cores all
#
# computes the demo into ./results. What follows the name of the image are arguments of snakemake. docs/engines.md
# has the rest: GPUs, smaller images, what of this was run.
ARG BASE=python:3.12-slim
FROM ${BASE}

# Where pip finds PyTorch; "" is PyPI, whose build for Linux brings CUDA (several GB) and runs without a GPU, too.
ARG TORCH_INDEX_URL=""

WORKDIR /porevox
COPY pyproject.toml README.md LICENSE Snakefile config.yaml ./
COPY workflow workflow
COPY profiles profiles
COPY envs envs
COPY resources resources
# compiled to .pyc by pip, not again by every job of a user who may not write here
RUN if [ -n "$TORCH_INDEX_URL" ]; then \
        pip install --no-cache-dir --index-url "$TORCH_INDEX_URL" "torch>=2.4,<2.14"; \
    fi \
    && pip install --no-cache-dir -e . \
    && python -m compileall -q workflow/lib \
    && useradd --create-home porevox \
    && install --directory --owner porevox --group porevox /work

# anybody may be the user (docker run --user), also one without a name and a home; what is worth keeping for a
# while lies where all may write
ENV USER=porevox \
    HOME=/tmp/porevox \
    NUMBA_CACHE_DIR=/tmp/porevox/numba \
    MPLCONFIGDIR=/tmp/porevox/matplotlib \
    XDG_CACHE_HOME=/tmp/porevox/cache
USER porevox
WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/porevox/Snakefile"]
CMD ["--cores", "all"]
