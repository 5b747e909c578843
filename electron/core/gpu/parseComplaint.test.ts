import { describe, expect, it } from 'vitest'
import type { FaultCode } from '../../../shared/fault.ts'
import { parseComplaint } from './parseComplaint.ts'

const CASES: readonly { text: string; exit: number | null; code: FaultCode; sentence: string; unsupported?: true; gpu?: string }[] = [
  { text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that …\n", exit: 9, code: 'DRIVER_UNREACHABLE', sentence: 'cannot reach' },
  { text: "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", exit: 12, code: 'TOOL_MISSING', sentence: 'libnvidia-ml.so is not' },
  { text: 'Failed to initialize NVML: Driver/library version mismatch', exit: 255, code: 'DRIVER_UNREACHABLE', sentence: 'different versions' },
  { text: 'Mismatch in versions between nvidia-smi and NVML.', exit: 255, code: 'DRIVER_UNREACHABLE', sentence: 'different versions' },
  { text: 'Failed to initialize NVML: Insufficient Permissions', exit: 4, code: 'NO_PERMISSION', sentence: 'may not open' },
  { text: 'No devices were found. Please make sure /dev/nvidia* files are readable by current user.', exit: 4, code: 'NO_PERMISSION', sentence: 'may not open' },
  { text: 'No devices were found', exit: 6, code: 'NO_CUDA_DEVICE', sentence: 'sees no GPU' },
  { text: 'Unable to determine the device handle for GPU0: GPU is lost.  Reboot the system to recover this GPU', exit: 15, code: 'GPU_LOST', sentence: 'fallen off', gpu: '0' },
  { text: 'Unable to determine the device handle for gpu 0: GPU is lost.  Reboot the system to recover this GPU', exit: 15, code: 'GPU_LOST', sentence: 'fallen off', gpu: '0' },
  { text: 'Unable to determine the device handle for GPU0000:20:00.0: Unknown Error', exit: 255, code: 'GPU_LOST', sentence: 'fallen off', gpu: '0000:20:00.0' },
  { text: 'Unable to determine the device handle for GPU0: 0: GPU is lost.', exit: 6, code: 'GPU_LOST', sentence: 'fallen off', gpu: '0' },
  { text: 'Unable to determine the device handle for GPU0000:07:00.0: A GPU reset must occur before this GPU can be used again.', exit: 255, code: 'GPU_LOST', sentence: 'must be reset', gpu: '0000:07:00.0' },
  { text: 'Failed to initialize NVML: Unknown Error', exit: 255, code: 'DRIVER_UNREACHABLE', sentence: 'refuses to start NVML' },
  { text: 'Failed to initialize NVML: Insufficient External Power', exit: 8, code: 'DRIVER_UNREACHABLE', sentence: 'cannot start' },
  { text: 'Unable to determine the number of available GPUs: Driver Not Loaded', exit: 9, code: 'DRIVER_UNREACHABLE', sentence: 'not loaded' },
  { text: "ERROR: Option --gpm-metrics is not recognized. Please run 'nvidia-smi -h'.", exit: 255, code: 'COMMAND_FAILED', sentence: 'does not know an option', unsupported: true },
  { text: 'Not supported on the device(s)\nFailed to process command line ', exit: 255, code: 'COMMAND_FAILED', sentence: 'does not support', unsupported: true },
  { text: '', exit: 17, code: 'DRIVER_UNREACHABLE', sentence: 'operating system blocks' },
  { text: '', exit: 15, code: 'GPU_LOST', sentence: 'fallen off' },
  { text: 'Segmentation fault', exit: 139, code: 'COMMAND_FAILED', sentence: 'code 139' },
  { text: '', exit: 255, code: 'COMMAND_FAILED', sentence: 'said nothing' },
]

describe('parseComplaint', () => {
  it.each(CASES)('$exit: $text', ({ text, exit, code, sentence, unsupported = false, gpu = null }) => {
    const complaint = parseComplaint(text.split('\n'), exit)
    expect(complaint).toMatchObject({ unsupported, gpu, fault: { code } })
    expect(complaint?.fault.sentence).toContain(sentence)
    expect(complaint?.fault.hint).not.toBe('')
  })

  it('a clean end, a kill and rows are no complaint', () => {
    expect(parseComplaint([], 0)).toBeNull()
    expect(parseComplaint([], null)).toBeNull()
    expect(parseComplaint(['GPU-1, 0, [GPU is lost], [Insufficient Permissions], [GPU requires reset], [Unknown Error]'], 0)).toBeNull()
  })
})
