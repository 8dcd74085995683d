"""Quantises one model with edgefit and with its peers, and compares what comes out.

    python benches/int8/compare.py RUN/model.onnx CALIBRATION TEST --edgefit target/release/edgefit \
        --peer onnxruntime=PYTHON --peer nncf=PYTHON …

CALIBRATION and TEST are folders of images in folders named by class. PYTHON is the interpreter in which the
peer is installed, by its file in requirements/. README.md has the figures.
"""

import argparse
import os
import pathlib
import subprocess
import tempfile
import time

import numpy
import onnxruntime
import samples

HERE = pathlib.Path(__file__).parent
PEERS = {name: HERE / "peers" / f"{name}_ptq.py" for name in ("onnxruntime", "nncf", "esp_ppq", "aimet")}
CALIBRATION = 100


def timed(command):
    """Runs a command; its exit code, its processor seconds, its peak memory in GiB, and its last line.

    Seconds are those of all its threads, so that what else runs on the machine counts little.
    """
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen([str(part) for part in command], stdout=said, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        seconds = used.ru_utime + used.ru_stime
        said.seek(0)
        lines = said.read().strip().splitlines() or [""]
    return os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss / 2**20, lines[-1]


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(sessions, images):
    """Logits of each session, and the median of its milliseconds an image; the sessions take turns."""
    outputs = {name: [] for name in sessions}
    times = {name: [] for name in sessions}
    for image in images:
        for name, each in sessions.items():
            feed = {each.get_inputs()[0].name: image[None]}
            start = time.perf_counter()
            outputs[name].append(each.run(None, feed)[0])
            times[name].append(time.perf_counter() - start)
    logits = {name: numpy.concatenate(rows) for name, rows in outputs.items()}
    return logits, {name: 1e3 * numpy.median(rows) for name, rows in times.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("calibration")
    parser.add_argument("test")
    parser.add_argument("--edgefit", default="target/release/edgefit")
    parser.add_argument("--scheme", action="append", default=[])
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", help="folder that the files stay in")
    given = parser.parse_args()

    how, labels, name = samples.preparation(given.model)
    folder = pathlib.Path(given.keep or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    arrays = folder / "calibration.npz"
    # The same images for all: edgefit calibrates on half of the 200, and compares on the other half.
    images, classes = samples.drawn(given.calibration, 2 * CALIBRATION, how, labels)
    numpy.savez(arrays, **{name: images[:CALIBRATION]})

    commands = {}
    for scheme in given.scheme or ["onnxruntime-x86"]:
        command = [given.edgefit, "quantize", given.model, "--data", given.calibration, "--all-int8"]
        command += ["--calibration", CALIBRATION, "--scheme", scheme, "--threads", given.threads]
        commands[f"edgefit {scheme}"] = command + ["-o"]
    for peer in given.peer:
        title, python = peer.split("=", 1)
        commands[title] = [python, PEERS[title], given.model, arrays]

    sessions, made = {"float": session(given.model, given.threads)}, {}
    for title, command in commands.items():
        target = folder / f"{title.replace(' ', '-')}.onnx"
        code, seconds, memory, last = timed([*command, target])
        # edgefit says 1 where the limit is not kept, and writes the best that it found.
        if code not in (0, 1) or not target.exists():
            print(f"{title}: exit code {code}: {last}")
            continue
        made[title] = (seconds, memory, target.stat().st_size / 2**20)
        sessions[title] = session(target, given.threads)

    images, classes = samples.drawn(given.test, given.tests, how, labels)
    logits, milliseconds = answers(sessions, images)
    right = {title: rows.argmax(1) == classes for title, rows in logits.items()}
    print("| file | accuracy | lost, points | agrees | SQNR, dB | quantising, CPU s | peak, GiB | MiB | ms an image |")
    print("|---|---|---|---|---|---|---|---|---|")
    print(f"| float | {100 * right['float'].mean():.1f} % | | | | | | | {milliseconds['float']:.1f} |")
    for title, (seconds, memory, size) in made.items():
        ours, floats = logits[title], logits["float"]
        sqnr = 10 * numpy.log10((floats**2).sum() / ((floats - ours) ** 2).sum())
        lost = right["float"].astype(float) - right[title]
        error = 100 * lost.std() / len(lost) ** 0.5
        same = 100 * (ours.argmax(1) == floats.argmax(1)).mean()
        print(
            f"| {title} | {100 * right[title].mean():.1f} % | {100 * lost.mean():.2f} ± {error:.2f} "
            f"| {same:.1f} % | {sqnr:.1f} | {seconds:.0f} | {memory:.2f} | {size:.1f} "
            f"| {milliseconds[title]:.1f} |"
        )


if __name__ == "__main__":
    main()
