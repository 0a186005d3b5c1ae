import { DeviceLost, messageOf, NagError } from '../../pipeline/errors.js';

/** The memory of a device, or of its allocator, does not hold what a run needs: fewer documents at once may fit. */
export class OutOfMemory extends NagError {
  override readonly name = 'OutOfMemory';
  /** Whose memory. */
  readonly device: string;

  constructor(message: string, device: string, options?: ErrorOptions) {
    super(message, options);
    this.device = device;
  }
}

/**
 * How onnxruntime's arenas, CUDA and its libraries, Vulkan, Direct3D, Dawn and C++ say so. CUDA's error 2 is
 * cudaErrorMemoryAllocation.
 */
const memoryTexts =
  /failed to allocate memory|out of memory|\bOOM\b|smaller than requested bytes|bad[_ ]alloc|allocation failed|(CUDA|HIP) (failure|error):? 2\b|STATUS_ALLOC_FAILED|OUT_OF_(DEVICE|HOST)_MEMORY|E_OUTOFMEMORY/i;

/** CUDA: 46 devices unavailable, 214 uncorrectable ECC error, 700 to 799 failures of kernels, 999 unknown. */
const lostTexts =
  /device (is |was |has been )?(lost|removed|hung|reset)|DEVICE_?(LOST|REMOVED|HUNG|RESET)|(CUDA|HIP) (failure|error):? (46|214|7\d\d|999)\b|unspecified launch failure|illegal memory access|uncorrectable ECC|fallen off the bus|STATUS_(EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR)/i;

/** How WebGPU says that a device has no float16. */
const float16Texts = /requires f16 but the device does not support it/;

/** What a failure of onnxruntime on a device means, by its text: it has no codes. OutOfMemory, DeviceLost, or neither. */
export function modelFault(cause: unknown, device: string): NagError {
  const text = messageOf(cause);
  const advice = float16Texts.test(text) ? '; use precision float32' : '';
  const message = `the model failed on ${device}: ${text.trim()}${advice}`;
  if (memoryTexts.test(text)) return new OutOfMemory(message, device, { cause });
  return lostTexts.test(text) ? new DeviceLost(message, { cause }) : new NagError(message, { cause });
}
