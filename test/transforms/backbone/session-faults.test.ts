import t from 'tap';
import { modelFault } from '../../../transforms/backbone/session-faults.js';

const arena =
  "Non-zero status code returned while running GroupQueryAttention node. Name:'node_33' Status Message: bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 214748364800";

t.test('failures of the memory', async (t) => {
  for (const text of [
    arena,
    'bfc_arena.cc: Available memory of 12 is smaller than requested bytes of 4096',
    'CUDA failure 2: out of memory ; GPU=0 ; hostname=a ; expr=cudaMalloc((void**)&p, size);',
    'CUDA error: 2',
    'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0',
    'std::bad_alloc',
    'bad allocation',
    'Array buffer allocation failed',
    'WebGPU validation failed. Out of memory',
    'vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY',
  ]) {
    const cause = new Error(text);
    t.match(modelFault(cause, 'cuda:0'), {
      name: 'OutOfMemory',
      passing: false,
      message: `the model failed on cuda:0: ${text}`,
      cause,
    });
  }
});

t.test('lost devices', async (t) => {
  for (const text of [
    'WebGPU device lost (2): a crash of the driver',
    'Device is lost',
    'VK_ERROR_DEVICE_LOST',
    'D3D12 DXGI_ERROR_DEVICE_REMOVED',
    'CUDA failure 719: unspecified launch failure ; GPU=0',
    'CUDA failure 700: an illegal memory access was encountered',
    'CUDA error 999',
    'CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED',
  ])
    t.match(modelFault(new Error(text), 'cuda:0'), { name: 'DeviceLost', passing: true }, text);
});

t.test('a device without float16', async (t) => {
  const text =
    "running Cast node. Name:'node_17' Status Message: shader_helper.cc:416 GenerateSourceCode Program Cast requires f16 but the device does not support it.";
  t.match(modelFault(new Error(text), 'webgpu'), {
    name: 'NagError',
    message: /^the model failed on webgpu: .*does not support it\.; use precision float32$/,
  });
});

t.test('all others', async (t) => {
  for (const text of [
    'no output top_fwd_up',
    'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version',
    'CUDA failure 100: no CUDA-capable device is detected',
    'CUDA failure 209: no kernel image is available for execution on the device',
    'libcudnn.so.9: cannot open shared object file: No such file or directory',
    'Got invalid dimensions for input: ids',
  ])
    t.match(modelFault(new Error(text), 'cuda:0'), { name: 'NagError', passing: false }, text);
});
