"""argv: a .tflite of int8, a file of inputs one behind the other, a file for the outputs. Prints what its allocator recorded."""
import sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime

model, inputs, outputs = sys.argv[1:]
interpreter = runtime.Interpreter.from_file(model, arena_size=16 << 20)
shape = interpreter.get_input_details(0)["shape"]
made = []
for sample in np.fromfile(inputs, np.int8).reshape(-1, *shape):
    interpreter.set_input(sample, 0)
    interpreter.invoke()
    made.append(np.array(interpreter.get_output(0), np.int8).ravel())
np.concatenate(made).tofile(outputs)
interpreter.print_allocations()
