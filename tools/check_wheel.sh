#!/usr/bin/env bash
# Build the wheel, install it into an empty environment outside the checkout, and run the quickstart from it.
# Usage: tools/check_wheel.sh PYTHON   (a Python with `build` and `hatchling`, the dependency group dev)
set -euo pipefail
python="$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

"$python" -m build --wheel --no-isolation --outdir "$work/dist" . >"$work/build.log" || { cat "$work/build.log"; exit 1; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "$work"/dist/*.whl
cd "$work"
INT8SIM_CACHE="$work/cache" "$work/venv/bin/int8sim" quickstart
start="$(date +%s.%N)"
INT8SIM_CACHE="$work/cache" "$work/venv/bin/python" -m int8sim quickstart --json >"$work/report.json"
echo "warm: $("$python" -c "import sys; print(round(float(sys.argv[1]) - float(sys.argv[2]), 1))" "$(date +%s.%N)" "$start") s"
"$work/venv/bin/int8sim" golden verify int8sim-quickstart/onnxruntime.engine.h5
