# Knockwise on the CPU: the web page by default, any other command by naming it.
#
#   docker build -t knockwise .
#   docker run --rm -p 127.0.0.1:8642:8642 -v knockwise-data:/data -v knockwise-runs:/runs knockwise
#   docker run --rm knockwise ask 'Knock out HSPA5 in K562: what happens to DDIT3?'
#
# EXTRAS chooses what is installed: `--build-arg EXTRAS=mcp,web,index` adds the text index and torch.
ARG PYTHON=3.12-slim-bookworm

FROM python:${PYTHON} AS build
ARG EXTRAS=mcp,web
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY . .
# torch is not in the lock: its wheel differs by machine, and this is the one without CUDA.
RUN uv venv --python python3 /opt/knockwise \
 && uv pip install --no-cache --python /opt/knockwise/bin/python --constraint requirements.lock \
      --index-strategy unsafe-best-match --extra-index-url https://download.pytorch.org/whl/cpu \
      ".[${EXTRAS}]"

FROM python:${PYTHON}
# LightGBM and scikit-learn need OpenMP, of whatever release the base image has.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin knockwise \
 && install --directory --owner knockwise --mode 0700 /data /runs
COPY --from=build /opt/knockwise /opt/knockwise
ENV PATH=/opt/knockwise/bin:$PATH \
    KNOCKWISE_DATA=/data \
    KNOCKWISE_RUNS=/runs \
    HF_HUB_OFFLINE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/knockwise
VOLUME ["/data", "/runs"]
EXPOSE 8642
ENTRYPOINT ["knockwise"]
CMD ["web", "--host", "0.0.0.0", "--no-browser"]
