// What is known of the GPUs: who they are, one frame of readings per tick, the kept past.
import { z } from 'zod'
import { Fault } from './fault.ts'

export interface Metric {
  label: string
  unit: '%' | 'MiB' | 'W' | '°C' | 'MHz'
  /** Where the number comes from. */
  source: string
  /** What it means. */
  meaning: string
  /** How it is misread. */
  trap: string
  /** Digits after the point when shown. */
  digits: number
}

/** Every per-GPU number of the product. The key is also the column name in history. */
export const METRICS = {
  kernelBusyPercent: {
    label: 'Kernel busy', unit: '%', digits: 0, source: 'nvidia-smi utilization.gpu',
    meaning: 'Share of the last sample period in which at least one kernel ran.',
    trap: 'One kernel with one thread reads 100 %. It says nothing about how full the SMs are.',
  },
  memoryControllerBusyPercent: {
    label: 'Memory controller busy', unit: '%', digits: 0, source: 'nvidia-smi utilization.memory',
    meaning: 'Share of the last sample period in which device memory was read or written.',
    trap: 'Share of time, not of bandwidth, and not how full the memory is.',
  },
  smActivityPercent: {
    label: 'SM activity', unit: '%', digits: 1, source: 'GPM metric 2 (nvidia-smi dmon --gpm-metrics)',
    meaning: 'Mean share of cycles in which an SM had at least one warp, over all SMs.',
    trap: 'Needs Hopper or newer, or GeForce 50. A resident warp may still wait for memory.',
  },
  dramBandwidthPercent: {
    label: 'DRAM bandwidth', unit: '%', digits: 1, source: 'GPM metric 10 (nvidia-smi dmon --gpm-metrics)',
    meaning: 'Share of the peak DRAM bandwidth that was used.',
    trap: 'Needs Hopper or newer, or GeForce 50. About 92 % is the most that real code reaches.',
  },
  memoryUsedMiB: {
    label: 'Memory used', unit: 'MiB', digits: 0, source: 'nvidia-smi memory.used',
    meaning: 'Device memory that is allocated, contexts and reserved memory of the driver included.',
    trap: 'Engines allocate their KV cache ahead: full does not mean in use.',
  },
  memoryTotalMiB: {
    label: 'Memory total', unit: 'MiB', digits: 0, source: 'nvidia-smi memory.total',
    meaning: 'Device memory that programs can see.', trap: 'Less than the figure on the box: ECC and the driver keep some.',
  },
  powerWatts: {
    label: 'Power', unit: 'W', digits: 0, source: 'nvidia-smi power.draw',
    meaning: 'Power of the whole board, averaged over 1 s on Ampere and newer.', trap: 'Accurate to about 5 W.',
  },
  powerLimitWatts: {
    label: 'Power limit', unit: 'W', digits: 0, source: 'nvidia-smi enforced.power.limit',
    meaning: 'The limit that the driver enforces now.', trap: 'May lie below the board\'s own limit.',
  },
  temperatureCelsius: {
    label: 'Temperature', unit: '°C', digits: 0, source: 'nvidia-smi temperature.gpu',
    meaning: 'Core temperature.', trap: 'Memory and hot spot can be far hotter.',
  },
  smClockMHz: {
    label: 'SM clock', unit: 'MHz', digits: 0, source: 'nvidia-smi clocks.sm',
    meaning: 'Current SM clock.', trap: 'Falls under power or thermal limits: compare runs only at like clocks.',
  },
  memoryClockMHz: {
    label: 'Memory clock', unit: 'MHz', digits: 0, source: 'nvidia-smi clocks.mem',
    meaning: 'Current memory clock.', trap: 'Drops when idle.',
  },
} as const satisfies Record<string, Metric>

export type MetricKey = keyof typeof METRICS
export const METRIC_KEYS = Object.keys(METRICS) as [MetricKey, ...MetricKey[]]

/** Why a value is null. Each has a sentence: a dash is never left unexplained. */
export const MISSING = {
  starting: 'No row has arrived yet.',
  notSupported: 'This GPU or driver does not report it.',
  noPermission: 'The driver refuses it to this user.',
  gpuLost: 'The GPU has fallen off the bus.',
  resetRequired: 'The GPU needs a reset before it can be used again.',
  mig: 'Not reported while MIG mode is on.',
  driverError: 'The driver answered with an error.',
  noSample: 'The tool printed no sample for this period.',
  badLine: 'The tool printed a line that cannot be read.',
  silent: 'The tool is alive but prints nothing: the driver may hang.',
  refused: 'The tool cannot talk to the driver.',
  toolMissing: 'The tool is not installed.',
  stopped: 'The stream ended and waits to be started again.',
} as const
export type Missing = keyof typeof MISSING
export const Missing = z.enum(Object.keys(MISSING) as [Missing, ...Missing[]])

export const GpuIdentity = z.object({
  /** nvidia-smi's ordinal; changes between boots. */
  index: z.number().int(),
  /** `GPU-…`; the key everywhere. */
  uuid: z.string(),
  name: z.string(),
  pciBusId: z.string().nullable(),
  driverVersion: z.string().nullable(),
  memoryTotalMiB: z.number().nullable(),
  /** Default · Exclusive_Process · Prohibited, as nvidia-smi writes it. */
  computeMode: z.string().nullable(),
  migMode: z.string().nullable(),
  persistenceMode: z.string().nullable(),
  computeCapability: z.string().nullable(),
  /** Whether `dmon --gpm-metrics` gives SM activity here: null until it has been tried. */
  gpm: z.boolean().nullable(),
})
export type GpuIdentity = z.infer<typeof GpuIdentity>

/** One long-lived nvidia-smi. 'unreadable': it prints, and no row among it. 'gaveUp': restart budget spent, tried again after a while or when asked. */
export const SampleStream = z.object({
  name: z.enum(['query', 'processes', 'gpm']),
  state: z.enum(['starting', 'live', 'silent', 'unreadable', 'refused', 'unsupported', 'toolMissing', 'restarting', 'gaveUp']),
  sinceMs: z.number(),
  /** Arrival of the last complete row; the age of everything this stream gives. */
  lastRowAtMs: z.number().nullable(),
  badLines: z.number().int(),
  fault: Fault.nullable(),
})
export type SampleStream = z.infer<typeof SampleStream>

const metricsShape = Object.fromEntries(METRIC_KEYS.map((key) => [key, z.number().nullable()])) as Record<MetricKey, z.ZodNullable<z.ZodNumber>>
const missingShape = Object.fromEntries(METRIC_KEYS.map((key) => [key, Missing.optional()])) as Record<MetricKey, z.ZodOptional<typeof Missing>>

export const GpuRow = z.object({
  uuid: z.string(),
  index: z.number().int(),
  metrics: z.object(metricsShape),
  /** For every metric that is null: why. */
  missing: z.object(missingShape),
  /** Arrival of the row these values were last read from (query, and gpm for the two GPM values). Epoch ms. */
  readAtMs: z.object({ query: z.number().nullable(), gpm: z.number().nullable() }),
})
export type GpuRow = z.infer<typeof GpuRow>

export const GpuProcess = z.object({
  gpuUuid: z.string(),
  pid: z.number().int(),
  /** nvidia-smi's letters: C compute, G graphics, M+C compute through MPS. */
  type: z.string().nullable(),
  usedMemoryMiB: z.number().nullable(),
  /** pmon's command column: cut to 15 characters by the tool. */
  name: z.string(),
})
export type GpuProcess = z.infer<typeof GpuProcess>

/** All GPUs at one moment. */
export const GpuFrame = z.object({
  atMs: z.number(),
  /** Counts up by one per tick: a gap means frames were coalesced. */
  tick: z.number().int(),
  rows: z.array(GpuRow),
  /** null: the process list is not known (stream not live). */
  processes: z.array(GpuProcess).nullable(),
  streams: z.array(SampleStream),
})
export type GpuFrame = z.infer<typeof GpuFrame>

/** Series of the kept past: `gpu/<uuid>/<metric>` and `engine/<id>/<value>`. */
export const HistoryWindow = z.object({
  /** Left edge of each bucket, epoch ms, ascending. */
  atMs: z.array(z.number()),
  bucketMs: z.number(),
  /** Per series one minimum and maximum per bucket, null where nothing was known. */
  series: z.record(z.string(), z.object({ min: z.array(z.number().nullable()), max: z.array(z.number().nullable()) })),
})
export type HistoryWindow = z.infer<typeof HistoryWindow>

/** How long the past is kept. */
export const HISTORY_MS = 60 * 60 * 1000
