// Exit status and last log lines, as real engines leave them, → what the user reads.
import { describe, expect, it } from 'vitest'
import { explainExit } from './exit.ts'

/** The lines that PyTorch 2.11 prints below a CUDA error. */
const pytorchAdvice = (error: string) => [
  `Search for \`${error}' in https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html for more information.`,
  'CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.',
  'For debugging consider passing CUDA_LAUNCH_BLOCKING=1', 'Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.', '',
]
const exit = (code: number | null, signal: string | null = null, spawnError: string | null = null) => ({ code, signal, spawnError })

describe('explainExit', () => {
  it.each([
    ['vLLM out of memory', exit(1), ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.', 'RuntimeError: Engine core initialization failed.'], 'ENGINE_OUT_OF_MEMORY', 'ran out of memory', true],
    ['vLLM with too little left', exit(1), ['ValueError: Free memory on device (4.2/79.1 GiB) on startup is less than desired GPU memory utilization (0.9, 71.2 GiB).'], 'ENGINE_OUT_OF_MEMORY', 'ran out of memory', true],
    ['vLLM beside one that went away', exit(1), ['AssertionError: Error in memory profiling. Initial free memory 60.1 GiB, current free memory 70.2 GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling'], 'ENGINE_EXITED', 'gave GPU memory back', true],
    ['vLLM with a KV cache for no request', exit(1), ['ValueError: To serve at least one request with max seq len (40960), (4.38 GiB KV cache is needed, which is larger than the available KV cache memory (1.0 GiB).'], 'ENGINE_OUT_OF_MEMORY', 'ran out of memory', true],
    ['a missing program behind taskset', exit(127), ['taskset: failed to execute /no/such/engine: No such file or directory'], 'TOOL_MISSING', 'its program is not there', false],
    ['CPUs that are not there', exit(1), ["taskset: failed to set pid 0's affinity: Invalid argument"], 'BAD_INPUT', 'may not run on the CPUs', false],
    ['llama-server out of memory', exit(1), ['ggml_backend_cuda_buffer_type_alloc_buffer: allocating 18000.00 MiB on device 0: cudaMalloc failed: out of memory'], 'ENGINE_OUT_OF_MEMORY', 'ran out of memory', true],
    ['llama-server without its model', exit(1), ["gguf_init_from_file: failed to open GGUF file '/m/x.gguf' (No such file or directory)", "srv    load_model: failed to load model, '/m/x.gguf'", 'main: exiting due to model loading error'], 'ENGINE_EXITED', 'could not load its model', false],
    ['a taken port', exit(1), ["couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8080"], 'PORT_TAKEN', 'port is used', true],
    ['a taken port in Python', exit(1), ['OSError: [Errno 98] Address already in use'], 'PORT_TAKEN', 'port is used', true],
    ['an unknown flag', exit(1), ['error: invalid argument: --nope'], 'ENGINE_EXITED', 'does not know one of its arguments', false],
    ['no GPU', exit(1), ['CUDA error: no CUDA-capable device is detected'], 'NO_CUDA_DEVICE', 'no usable CUDA device', false],
    ['a faulted MPS server', exit(1), ['CUDA_ERROR_MPS_SERVER_NOT_READY'], 'MPS_SERVER_FAULT', 'MPS server refused', true],
    ['a broken MPS connection', exit(1), ['RuntimeError: CUDA error: cudaErrorMpsRpcFailure'], 'MPS_SERVER_FAULT', 'connection to the MPS server broke', true],
    ['a GPU error, in the words of PyTorch', exit(1), ['torch.AcceleratorError: CUDA error: an illegal memory access was encountered', ...pytorchAdvice('cudaErrorIllegalAddress')], 'ENGINE_EXITED', 'a fatal GPU error', true],
    ['a failed assertion on the GPU', exit(1), ['torch.AcceleratorError: CUDA error: device-side assert triggered', ...pytorchAdvice('cudaErrorAssert')], 'ENGINE_EXITED', 'a check inside one of its kernels', true],
    ['a client that was terminated', exit(1), ['CUDA error: the MPS client has been terminated by the server', ...pytorchAdvice('cudaErrorMpsClientTerminated')], 'MPS_SERVER_FAULT', 'connection to the MPS server broke', true],
    ['a daemon that went away', exit(1), ['CUDA error: the remote procedural call between the MPS server and the MPS client failed', ...pytorchAdvice('cudaErrorMpsRpcFailure')], 'MPS_SERVER_FAULT', 'connection to the MPS server broke', true],
    ['a start into a faulted server', exit(1), ['RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 807: MPS server is not ready to accept new MPS client requests'], 'MPS_SERVER_FAULT', 'MPS server refused', true],
    ['a missing library', exit(127), ['llama-server: error while loading shared libraries: libllama.so: cannot open shared object file'], 'TOOL_MISSING', 'library it needs', false],
    ['a missing program', exit(null, null, 'ENOENT'), [], 'TOOL_MISSING', 'its program is not there', false],
    ['a program that may not run', exit(null, null, 'EACCES'), [], 'TOOL_MISSING', 'may not be executed', false],
    ['a kill', exit(null, 'SIGKILL'), ['all is well'], 'ENGINE_EXITED', 'by signal SIGKILL', true],
    ['a segmentation fault', exit(null, 'SIGSEGV'), [], 'ENGINE_EXITED', 'by signal SIGSEGV', true],
    ['an end without a trace', exit(null), [], 'ENGINE_EXITED', 'left no exit status', true],
  ])('%s', (_, ended, lines, code, words, curable) => {
    const { fault, curable: again } = explainExit('alpha', ended, lines)
    expect([fault.code, again]).toEqual([code, curable])
    expect(fault.sentence).toContain(words)
    expect(fault.sentence).toContain('alpha')
    expect(fault.hint).not.toBe('')
  })

  it('quotes the last line that speaks of an error, else the last one', () => {
    expect(explainExit('a', exit(1), ['fatal: one', 'ValueError: two', 'bye', '']).fault.detail).toBe('ValueError: two')
    expect(explainExit('a', exit(1), ['hello', 'bye', '']).fault.detail).toBe('bye')
    expect(explainExit('a', exit(1), []).fault.detail).toBeNull()
    expect(explainExit('a', exit(null, 'SIGKILL'), ['model ready']).fault.detail).toBeNull() // it did not see it coming
    expect(explainExit('a', exit(1), ['CUDA error: an illegal memory access was encountered', ...pytorchAdvice('cudaErrorIllegalAddress')]).fault.detail).toBe('CUDA error: an illegal memory access was encountered')
  })
})
