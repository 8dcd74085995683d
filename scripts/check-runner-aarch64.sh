#!/usr/bin/env bash
# Holds the aarch64 runner against edgefit on this machine: scripts/check-runner-aarch64.sh MODEL.onnx...
#
# The runner, from scripts/build-runner.sh, runs in qemu's emulation of a user program. tract and ONNX
# Runtime have to compute the same there as here, within the tolerance of float32, and `edgefit bench`
# must not claim a latency. EDGEFIT names the edgefit of this machine, if it is not target/release/edgefit.
set -euo pipefail

edgefit=${EDGEFIT:-$(dirname "$0")/../target/release/edgefit}
cache=${EDGEFIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/edgefit}
runner=$cache/runners/edgefit-runner-aarch64
fail() {
    echo "error: $1" >&2
    exit 2
}
[ $# -gt 0 ] || fail "give a model: $0 MODEL.onnx..."
[ -x "$edgefit" ] || fail "$edgefit is not there; build it with \`cargo build --release\`, or set EDGEFIT"
[ -x "$runner" ] || fail "$runner is not there; build it with scripts/build-runner.sh aarch64"
command -v qemu-aarch64-static >/dev/null || fail "install Debian's qemu-user-static"
# Where the C library for it lies.
export QEMU_LD_PREFIX=${QEMU_LD_PREFIX:-/usr/aarch64-linux-gnu}
[ -d "$QEMU_LD_PREFIX/lib" ] || fail "install Debian's libc6-arm64-cross and libstdc++6-arm64-cross"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
board() {
    EDGEFIT_CACHE=$cache/aarch64 qemu-aarch64-static "$runner" "$@"
}
board engine install onnxruntime
"$edgefit" engine install onnxruntime

for model in "$@"; do
    board --json bench "$model" >"$folder/bench.json"
    python3 - "$folder/bench.json" >"$folder/shapes" <<'END'
import json, sys

report = json.load(open(sys.argv[1]))
assert report["context"]["emulator"], "the emulator was not seen"
assert len(report["results"]) == 2 and not report["failures"], report["failures"]
for result in report["results"]:
    claimed = [key for key in result if key.endswith("_ns") and result[key]]
    assert not claimed, f"times of an emulated run: {claimed}"
for shape in report["results"][0]["input_shapes"]:
    print("--input-shape", "x".join(map(str, shape)))
END
    echo "$model: bench sees the emulator and claims no time"
    read -r -a shapes < <(tr '\n' ' ' <"$folder/shapes"; echo)
    for engine in tract onnxruntime; do
        arguments=(--json run-model --outputs --engine "$engine" "${shapes[@]}" "$model")
        "$edgefit" "${arguments[@]}" >"$folder/here.json"
        board "${arguments[@]}" >"$folder/there.json"
        python3 - "$folder" "$model on $engine" <<'END'
import json, sys

folder, what = sys.argv[1:]
here, there = (json.load(open(f"{folder}/{name}.json"))["outputs"] for name in ("here", "there"))
assert [len(output) for output in here] == [len(output) for output in there], "other shapes"
for a, b in zip(here, there):
    largest = max(1.0, max(map(abs, a)))
    worst = max(abs(x - y) for x, y in zip(a, b))
    beyond = [x for x, y in zip(a, b) if not abs(x - y) <= 1e-4 * largest + 1e-3 * abs(x)]
    same = a.index(max(a)) == b.index(max(b))
    print(f"{what}: largest difference {worst:.1e} of {largest:.3g}, same top-1: {same}")
    if beyond or not same:
        sys.exit(f"error: {what}: {len(beyond)} values beyond the tolerance")
END
    done
done
