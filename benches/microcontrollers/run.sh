#!/usr/bin/env bash
# Runs the three networks with edgefit's kernels and with CMSIS-NN's on an emulated Cortex-M7, compares 40 outputs, and
# prints the instructions of a run.
#   run.sh EDGEFIT CMSIS FOLDER: the binary; the folder that holds cmsis_nn/ and cmsis_core/; what networks.py wrote.
set -euo pipefail
edgefit=$(realpath "$1")
cmsis=$(realpath "$2")
folder=$(realpath "$3")
here=$(cd "$(dirname "$0")" && pwd)
kernels=$here/../../crates/edgefit-micro/c
cd "$(mktemp -d)"

for name in vww resnet8 kws; do
    "$edgefit" quantize "$folder/$name.onnx" --inputs "$folder/$name.npz" --scheme tflite --all-int8 -o "$name.onnx" >/dev/null
    "$edgefit" export "$name.onnx" --to c -o "$name" >/dev/null
    bytes=$(sed -n 's/#define MODEL_INPUT_BYTES //p' "$name/model.h")
    # The same noise in each run.
    openssl enc -aes-128-ctr -pass pass:edgefit -nosalt -pbkdf2 </dev/zero 2>/dev/null | head -c $((40 * bytes)) >input.bin || true
    sed 's/NAME/model/g; s/UPPER/MODEL/g' "$kernels/firmware/ef_emulated.c" >main.c
    for side in edgefit cmsis-nn; do
        case $side in
        edgefit) sources=("$kernels"/ef_{convolution,product,depthwise}.c) ;;
        cmsis-nn) mapfile -t sources < <(find "$cmsis/cmsis_nn/Source" -name '*.c'; echo "$here/cmsis_nn.c") ;;
        esac
        arm-none-eabi-gcc -mcpu=cortex-m7 -mthumb -O2 -DEF_TIMER=0x40000000 -ffunction-sections -fdata-sections \
            -fno-tree-loop-distribute-patterns -nostartfiles -Wl,--gc-sections -Wl,--no-warn-rwx-segments \
            -T"$here/mps2_an500.ld" -I"$name" -I"$kernels" -I"$cmsis/cmsis_nn/Include" -I"$cmsis/cmsis_core/Include" \
            -o firmware.elf main.c "$kernels/firmware/ef_startup.c" "$name/model.c" \
            "$kernels"/ef_{pool,elementwise,softmax}.c "${sources[@]}"
        qemu-system-arm -machine mps2-an500 -nographic -monitor none -serial none \
            -semihosting-config enable=on,target=native -icount shift=0,sleep=off -kernel firmware.elf
        mv output.bin "$side.out"
        # A tick of the timer is 40 instructions.
        count=$(od -An -v -tu8 -w8 ticks.bin | awk '{ sum += 40 * $1 } END { printf "%d", sum / NR }')
        code=$(arm-none-eabi-size -A firmware.elf | awk '$1 == ".text" { print $2 }')
        echo "$name $side: $count instructions, $code B of code"
    done
    cmp edgefit.out cmsis-nn.out && echo "$name: 40 outputs equal"
done
