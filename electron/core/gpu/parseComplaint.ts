// What nvidia-smi says when it gives no values: text and exit code → Fault. Pure. It complains on standard output, and some complaints end with 0.
import type { Fault, FaultCode } from '../../../shared/fault.ts'

export interface Complaint {
  fault: Fault
  /** The same command will never work with this driver and card: do not try again by itself. */
  unsupported: boolean
  /** A field that this driver does not know. */
  unknownField: string | null
  /** The GPU at fault, as printed: a PCI bus id, or an index. */
  gpu: string | null
}

interface Rule {
  pattern: RegExp
  code: FaultCode
  sentence: string
  hint: string
  unsupported?: true
}

const RELOAD = 'Reboot, or unload and load the nvidia kernel modules.'
const LOOK = 'Look for NVRM and Xid lines in the kernel log (dmesg); a reset or reboot brings a lost GPU back.'

/** First match wins: the more particular first. Words in brackets are cells of rows, not complaints. */
const RULES: readonly Rule[] = [
  { pattern: /couldn't communicate with the NVIDIA driver/i, code: 'DRIVER_UNREACHABLE', sentence: 'nvidia-smi cannot reach the NVIDIA driver.', hint: 'Check that the driver is installed and loaded: `lsmod | grep nvidia`, then dmesg.' },
  { pattern: /couldn't find libnvidia-ml/i, code: 'TOOL_MISSING', sentence: 'nvidia-smi is here, but its library libnvidia-ml.so is not.', hint: 'Install the NVIDIA driver libraries of the same version; in a container, start it with GPU access.' },
  { pattern: /Driver\/library version mismatch|Mismatch in versions/i, code: 'DRIVER_UNREACHABLE', sentence: 'The loaded driver and the installed NVIDIA libraries have different versions.', hint: `The driver was updated while loaded. ${RELOAD}` },
  { pattern: /(?<!\[)Insufficient Permissions|files are readable by current user/i, code: 'NO_PERMISSION', sentence: 'This user may not open the GPU devices.', hint: 'Check the rights of /dev/nvidia*; in a container, check its device access.' },
  { pattern: /(?<!\[)GPU is lost|handle for GPU ?[0-9A-F:.]+: (\d+: )?(Unknown Error|GPU is lost)/i, code: 'GPU_LOST', sentence: 'A GPU has fallen off the bus.', hint: LOOK },
  { pattern: /GPU reset must occur/i, code: 'GPU_LOST', sentence: 'A GPU must be reset before it can be used again.', hint: 'End what runs on it, then `nvidia-smi --gpu-reset -i N` as root, or reboot.' },
  { pattern: /Failed to initialize NVML: Unknown Error/i, code: 'DRIVER_UNREACHABLE', sentence: 'The driver refuses to start NVML.', hint: 'In a container this often means that it lost its device rights: restart the container.' },
  { pattern: /Failed to initialize NVML: (.+)/i, code: 'DRIVER_UNREACHABLE', sentence: 'NVML, the library under nvidia-smi, cannot start.', hint: LOOK },
  { pattern: /number of available GPUs: Driver Not Loaded/i, code: 'DRIVER_UNREACHABLE', sentence: 'The NVIDIA driver is not loaded.', hint: 'Load it (`modprobe nvidia`), or look in dmesg why it went.' },
  { pattern: /No devices were found/i, code: 'NO_CUDA_DEVICE', sentence: 'The driver runs but sees no GPU.', hint: 'Check `lspci | grep -i nvidia` and dmesg; in a container, check which GPUs it was given.' },
  { pattern: /Field "([^"]+)" is not a valid field/i, code: 'UNREADABLE_OUTPUT', sentence: 'This nvidia-smi does not know a field that was asked for.', hint: 'The field is left out; newer drivers may have it.', unsupported: true },
  { pattern: /Not supported on the device/i, code: 'COMMAND_FAILED', sentence: 'The card does not support this kind of monitoring.', hint: 'Nothing to do: the values stay unknown on this card.', unsupported: true },
  { pattern: /Option .* is not recognized|Failed to process command line|Failed to find any metric|Usage: nvidia-smi|Display help information/i, code: 'COMMAND_FAILED', sentence: 'This nvidia-smi does not know an option that Overlap uses.', hint: 'Update the NVIDIA driver (535 or newer).', unsupported: true },
]

/** Where the text is missing or unknown. Exit codes of nvidia-smi(1), and 17 and 18, which it does not list. */
const BY_EXIT: Readonly<Record<number, Omit<Rule, 'pattern'>>> = {
  4: { code: 'NO_PERMISSION', sentence: 'The driver refuses this user.', hint: 'Check the rights of /dev/nvidia*.' },
  6: { code: 'NO_CUDA_DEVICE', sentence: 'nvidia-smi found no GPU.', hint: 'Check `lspci | grep -i nvidia` and dmesg.' },
  8: { code: 'DRIVER_UNREACHABLE', sentence: 'A GPU has no external power.', hint: 'Check its power cables.' },
  9: { code: 'DRIVER_UNREACHABLE', sentence: 'The NVIDIA driver is not loaded.', hint: 'Check `lsmod | grep nvidia`, then dmesg.' },
  11: { code: 'DRIVER_UNREACHABLE', sentence: 'The kernel has an interrupt problem with a GPU.', hint: LOOK },
  12: { code: 'TOOL_MISSING', sentence: 'The NVML library is not installed.', hint: 'Install the NVIDIA driver libraries.' },
  13: { code: 'DRIVER_UNREACHABLE', sentence: 'The NVML library lacks a function.', hint: 'Install driver and libraries of the same version.' },
  14: { code: 'DRIVER_UNREACHABLE', sentence: 'The infoROM of a GPU is corrupted.', hint: LOOK },
  15: { code: 'GPU_LOST', sentence: 'A GPU has fallen off the bus.', hint: LOOK },
  17: { code: 'DRIVER_UNREACHABLE', sentence: 'The operating system blocks access to a GPU.', hint: LOOK },
  18: { code: 'DRIVER_UNREACHABLE', sentence: 'The loaded driver and the installed NVIDIA libraries have different versions.', hint: RELOAD },
}

/** What the last lines and the exit code of nvidia-smi complain of; null: nothing known, or it simply ended. */
export function parseComplaint(lines: readonly string[], exitCode: number | null): Complaint | null {
  const text = lines.join('\n').trim()
  const rule = RULES.find(({ pattern }) => pattern.test(text)) ?? (exitCode === null ? undefined : BY_EXIT[exitCode]) ?? unknownEnd(exitCode, text)
  if (rule === undefined) return null
  return {
    fault: { code: rule.code, sentence: rule.sentence, hint: rule.hint, field: null, detail: text === '' ? null : text.slice(0, 500) },
    unsupported: rule.unsupported ?? false,
    unknownField: /Field "([^"]+)" is not a valid field/i.exec(text)?.[1] ?? null,
    gpu: /handle for gpu ?([0-9A-F]+(?::[0-9A-F]+:[0-9A-F]+\.[0-9A-F])?):/i.exec(text)?.[1] ?? null,
  }
}

function unknownEnd(exitCode: number | null, text: string): Omit<Rule, 'pattern'> | undefined {
  if (exitCode === null || exitCode === 0) return undefined
  if (text === '') return { code: 'COMMAND_FAILED', sentence: `nvidia-smi ended with code ${exitCode} and said nothing.`, hint: 'Run nvidia-smi in a terminal and look in dmesg.' }
  return { code: 'COMMAND_FAILED', sentence: `nvidia-smi ended with code ${exitCode}.`, hint: 'Its own words are in the details; run nvidia-smi in a terminal to see more.' }
}
