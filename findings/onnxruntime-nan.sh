#!/usr/bin/env bash
# onnxruntime: the largest values of a row that holds one NaN.
#
# Guess: NaN comes out of ReduceMax, and ArgMax and TopK point at it, wherever it is, as in NumPy.
# Found (onnxruntime 1.30.0 and 1.32.0, CPU): in a row of three it depends on where it is. ReduceMax gives NaN
# only if it is the first value, and ArgMax points at it only then. TopK was the same in 1.30 and takes NaN as
# the largest in 1.32, so that in one version the operators disagree about one row.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check onnxruntime==1.30.0 onnx==1.23.2 numpy==2.4.6
cat > finding.py <<'PY'
import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, numpy {numpy.__version__}')
outputs = {'ReduceMax': [TensorProto.FLOAT], 'ArgMax': [TensorProto.INT64], 'TopK': [TensorProto.FLOAT, TensorProto.INT64]}


def run(operator, row):
    inputs = {'row': numpy.array([row], numpy.float32)}
    if operator == 'TopK':
        inputs['k'] = numpy.array([1])
    names = [f'out{index}' for index in range(len(outputs[operator]))]
    attributes = {'axis': 1} if operator == 'ArgMax' else {}
    graph = helper.make_graph(
        [helper.make_node(operator, list(inputs), names, **attributes)],
        'finding',
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape) for name, value in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in zip(names, outputs[operator])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])
    return str(session.run(None, inputs)[-1].ravel()[0])


nan = float('nan')
rows = [[nan, 1, 2], [1, nan, 2], [2, 1, nan]]
found = {operator: [run(operator, row) for row in rows] for operator in outputs}
places = {'1.30.0': ['0', '2', '0'], '1.32.0': ['0', '1', '2']}[onnxruntime.__version__]
print(f'rows: {rows}')
expect('NumPy, argmax', [str(numpy.argmax(row)) for row in rows], ['0', '1', '2'])
expect('ReduceMax', found['ReduceMax'], ['nan', '2.0', '2.0'])
expect('ArgMax', found['ArgMax'], ['0', '2', '0'])
expect('TopK, first index', found['TopK'], places)
sys.exit(1 if failed else 0)
PY
venv/bin/python finding.py
venv/bin/pip install --quiet --no-compile --disable-pip-version-check onnxruntime==1.32.0
venv/bin/python finding.py
