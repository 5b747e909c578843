// The nvidia-smi command lines of the product. Pure: builds argv, runs nothing.

/** Identity first: a row that cannot name its GPU is worth nothing. The timestamp last: its fixed shape shows that the row is whole. */
export const QUERY_FIELDS = [
  'uuid', 'index',
  'name', 'pci.bus_id', 'driver_version', 'compute_mode', 'mig.mode.current', 'persistence_mode', 'compute_cap',
  'memory.total', 'memory.used', 'utilization.gpu', 'utilization.memory', 'power.draw', 'enforced.power.limit',
  'temperature.gpu', 'clocks.sm', 'clocks.mem',
  'timestamp',
] as const

/** Without these a row cannot be told from another: a driver that lacks them cannot be read. */
export const REQUIRED_FIELDS: readonly string[] = ['uuid', 'index']

/** Rows of every stream come once per this time. */
export const PERIOD_MS = 1000

/** pmon refuses more than four GPUs; dmon takes 16 (before 550 only with SHOW_ALL). */
export const PMON_GPUS = 4
export const DMON_GPUS = 16
export const SHOW_ALL = { NVSMI_SHOW_ALL_DEVICES: '1' } as const

/** GPM metric ids: SM activity and DRAM bandwidth. */
export const GPM_IDS = { smActivityPercent: 2, dramBandwidthPercent: 10 } as const

/** One row per GPU and period, for ever. `gpus` (indexes) leaves lost GPUs out: one of them can refuse the whole command. */
export function queryArguments(fields: readonly string[], gpus: readonly number[] | null = null): string[] {
  return [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits', '-lms', String(PERIOD_MS), ...(gpus === null ? [] : ['-i', gpus.join(',')])]
}

/** Ends by itself: whether one GPU (PCI bus id or index) answers again. */
export function oneGpuArguments(gpu: string): string[] {
  return ['--query-gpu=uuid', '--format=csv,noheader', '-i', gpu]
}

/** Processes with type and memory of at most PMON_GPUS GPUs. */
export function pmonArguments(gpus: readonly number[]): string[] {
  return ['pmon', '-i', gpus.join(','), '-s', 'um', '-d', '1']
}

/** GPM values of at most DMON_GPUS GPUs. -s p: dmon insists on one ordinary group, and power is the cheapest. */
export function gpmArguments(gpus: readonly number[]): string[] {
  return ['dmon', '-i', gpus.join(','), '-s', 'p', '--gpm-metrics', Object.values(GPM_IDS).join(','), '-d', '1']
}

/** Splits GPUs into as many groups as a tool with a limit needs. */
export function groupsOf(gpus: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(gpus.length / size) }, (_, at) => gpus.slice(at * size, (at + 1) * size))
}
