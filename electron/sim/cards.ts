// The cards a simulated workstation can have. Specifications as published; idle values as commonly seen.

export interface Card {
  name: string
  multiprocessors: number
  /** Dense BF16 tensor peak. */
  teraflops: number
  /** DRAM peak, bytes per second. */
  bandwidth: number
  memoryTotalMiB: number
  /** Held by the driver itself: neither used nor free in nvidia-smi. */
  memoryReservedMiB: number
  powerLimitW: number
  idlePowerW: number
  smClockMHz: number
  memoryClockMHz: number
  computeCapability: string
  /** What `dmon --gpm-metrics` gives: values, dashes, or a refusal of the whole command. */
  gpm: 'values' | 'dashes' | 'refused'
  /** Memory temperature sensor, ECC and MIG: data-centre cards only. */
  dataCentre: boolean
}

const h100: Card = {
  name: 'NVIDIA H100 80GB HBM3', multiprocessors: 132, teraflops: 989, bandwidth: 3.35e12,
  memoryTotalMiB: 81559, memoryReservedMiB: 480, powerLimitW: 700, idlePowerW: 71, smClockMHz: 1980, memoryClockMHz: 2619,
  computeCapability: '9.0', gpm: 'values', dataCentre: true,
}

export const CARDS = {
  h100,
  h100NoGpm: { ...h100, gpm: 'refused' },
  rtx4090: {
    name: 'NVIDIA GeForce RTX 4090', multiprocessors: 128, teraflops: 165.2, bandwidth: 1.008e12,
    memoryTotalMiB: 24564, memoryReservedMiB: 456, powerLimitW: 450, idlePowerW: 18, smClockMHz: 2520, memoryClockMHz: 10501,
    computeCapability: '8.9', gpm: 'dashes', dataCentre: false,
  },
} as const satisfies Record<string, Card>
export type CardName = keyof typeof CARDS
