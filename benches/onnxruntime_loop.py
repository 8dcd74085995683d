"""A plain loop in Python's onnxruntime: what `edgefit bench` is held against.

python onnxruntime_loop.py MODEL.onnx 1x3x224x224 THREADS MILLISECONDS

Warms up for 300 ms, runs for so many milliseconds, and prints the p50 and the shortest time, in
nanoseconds.
"""

import statistics
import sys
import time

import numpy
import onnxruntime

WARM_UP_NS = 300_000_000


def main(model, shape, threads, milliseconds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    # As edgefit sets it: threads that wait leave their cores to others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )
    shape = [int(size) for size in shape.split("x")]
    numbers = numpy.random.default_rng(0).uniform(-2, 2, shape).astype(numpy.float32)
    feed = {session.get_inputs()[0].name: numbers}

    def spend(nanoseconds):
        times = []
        begun = time.perf_counter_ns()
        while not times or time.perf_counter_ns() - begun < nanoseconds:
            start = time.perf_counter_ns()
            session.run(None, feed)
            times.append(time.perf_counter_ns() - start)
        return times

    spend(WARM_UP_NS)
    times = spend(int(milliseconds) * 1_000_000)
    print(int(statistics.median(times)), min(times))


main(*sys.argv[1:])
