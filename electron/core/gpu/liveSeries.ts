// Which history series a frame feeds. Pure.
import { METRIC_KEYS, type GpuFrame, type MetricKey } from '../../../shared/gpu.ts'

export const gpuSeries = (uuid: string, metric: MetricKey): string => `gpu/${uuid}/${metric}`

/** One value per GPU and metric; null where the frame knows none. */
export function seriesOf(frame: GpuFrame): Record<string, number | null> {
  return Object.fromEntries(frame.rows.flatMap((row) => METRIC_KEYS.map((key) => [gpuSeries(row.uuid, key), row.metrics[key]])))
}
