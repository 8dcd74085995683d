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


def session(path, threads, exact=False):
    """The model in ONNX Runtime; `exact`: with sums that do not saturate where the processor has no VNNI."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers(sessions, images):
    """Logits of each session, and the median of its milliseconds an image; the sessions take turns in random order."""
    outputs = {name: [] for name in sessions}
    times = {name: [] for name in sessions}
    random = numpy.random.RandomState(0)
    for image in images:
        # A session that is slow leaves less of the caches to the next.
        for name in random.permutation(list(sessions)):
            each = sessions[name]
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
    arrays, halves = folder / "calibration.npz", folder / "halves.npz"
    # edgefit calibrates on a half of 200 images that it draws by itself, and compares on the others.
    images, classes = samples.drawn(given.calibration, 2 * CALIBRATION, how, labels)
    numpy.savez(arrays, **{name: images[:CALIBRATION]})
    numpy.savez(halves, **{name: images, "y": classes})

    commands = {}
    for scheme in given.scheme or ["onnxruntime-x86"]:
        command = [given.edgefit, "quantize", given.model, "--inputs", halves, "--all-int8"]
        command += ["--calibration", CALIBRATION, "--scheme", scheme, "--threads", given.threads]
        commands[f"edgefit {scheme}"] = command + ["-o"]
    for peer in given.peer:
        title, python = peer.split("=", 1)
        commands[title] = [python, PEERS[title], given.model, arrays]

    sessions, exact, made = {"float": session(given.model, given.threads)}, {}, {}
    for title, command in commands.items():
        target = folder / f"{title.replace(' ', '-')}.onnx"
        code, seconds, memory, last = timed([*command, target])
        # edgefit says 1 where the limit is not kept, and writes the best that it found.
        if code not in (0, 1) or not target.exists():
            print(f"{title}: exit code {code}: {last}")
            continue
        made[title] = (seconds, memory, target.stat().st_size / 2**20)
        sessions[title] = session(target, given.threads)
        exact[title] = session(target, given.threads, exact=True)

    images, classes = samples.drawn(given.test, given.tests, how, labels)
    own, milliseconds = answers(sessions, images)
    exact, _ = answers(exact, images)
    floats = own["float"]
    right = floats.argmax(1) == classes

    def compared(logits):
        """Points lost with their standard error, share of the same classes, and SQNR."""
        lost = 100 * (right.astype(float) - (logits.argmax(1) == classes))
        same = 100 * (logits.argmax(1) == floats.argmax(1)).mean()
        sqnr = 10 * numpy.log10((floats**2).sum() / ((floats - logits) ** 2).sum())
        return f"{lost.mean():.2f} ± {lost.std() / len(lost) ** 0.5:.2f} | {same:.1f} % | {sqnr:.1f}"

    print(f"{len(images)} test images, accuracy in floats {100 * right.mean():.2f} %")
    print("| file | lost, points | agrees | SQNR, dB | lost here | agrees here | SQNR here, dB | CPU s | GiB | MiB | speed |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for title, (seconds, memory, size) in made.items():
        print(
            f"| {title} | {compared(exact[title])} | {compared(own[title])} "
            f"| {seconds:.0f} | {memory:.2f} | {size:.1f} | {milliseconds['float'] / milliseconds[title]:.2f} |"
        )


if __name__ == "__main__":
    main()
