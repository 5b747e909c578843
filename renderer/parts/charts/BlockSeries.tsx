// BlockSeries: throughput of every block in the order in which they ran. Invalid ones are hollow, failed ones a cross on the ground.
import { CartesianGrid, ResponsiveContainer, Scatter, ScatterChart, Tooltip, XAxis, YAxis, type ScatterShapeProps, type TooltipContentProps } from 'recharts'
import { clockTime, fixed, rate } from '../../../shared/units.ts'
import { axisTop, splitsTo } from '../stripColumns.ts'
import { ChartFrame } from './ChartFrame.tsx'
import { AXIS, GRID, PointMark } from './marks.tsx'

export interface BlockPoint {
  order: number
  round: number
  startedAtMs: number
  tokensPerSecond: number | null
  validity: 'valid' | 'invalid' | 'failed'
  reasons: string[]
}
export interface BlockArm { id: string; label: string; colour: string; blocks: BlockPoint[] }

export function BlockSeries({ arms, stamp = null, aside }: { arms: BlockArm[]; stamp?: string | null; aside?: React.ReactNode }) {
  const all = arms.flatMap((arm) => arm.blocks.map((block) => ({ arm, block }))).sort((a, b) => a.block.order - b.block.order)
  const top = axisTop(Math.max(0, ...all.map(({ block }) => block.tokensPerSecond ?? 0)))
  const table = {
    heads: ['Block', 'Round', 'Arm', 'Began', 'Output tokens/s', 'Counts', 'Why not'],
    rows: all.map(({ arm, block }) => [String(block.order + 1), String(block.round + 1), arm.label, clockTime(block.startedAtMs), rate(block.tokensPerSecond), block.validity, block.reasons.join(' ')]),
  }
  return (
    <ChartFrame title="Blocks in time order" unit="output tokens/s" stamp={stamp} aside={aside} table={table} empty={all.length === 0 ? 'No block has been measured.' : null}
      keys={[...arms.map(({ label, colour }) => ({ label, colour })), { label: 'measured, does not count', colour: 'var(--mantine-color-dimmed)', hollow: true }]}
      meaning="One point per block: one stretch of load on one arm. Arms take turns within a round, forwards and then backwards, so that drift hits all of them alike.">
      <ResponsiveContainer width="100%" height={240}>
        <ScatterChart margin={{ top: 10, right: 18, bottom: 16, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid {...GRID} vertical={false} />
          <XAxis type="number" dataKey="order" domain={[-0.5, all.length - 0.5]} ticks={every(all.length)} interval={0} tickFormatter={(value: number) => fixed(value + 1)} {...AXIS} label={{ value: 'block, in the order they ran', position: 'insideBottom', offset: -10, fill: 'var(--mantine-color-dimmed)', fontSize: 11 }} />
          <YAxis type="number" dataKey="drawn" width={62} domain={[0, top]} ticks={splitsTo(top, 5)} interval={0} tickFormatter={(value: number) => fixed(value)} {...AXIS} />
          <Tooltip isAnimationActive={false} cursor={false} content={tipOf} />
          {arms.map((arm, at) => (
            <Scatter key={arm.id} name={arm.label} isAnimationActive={false} data={arm.blocks.map((block): Found => ({ ...block, arm: arm.label, colour: arm.colour, drawn: block.tokensPerSecond ?? 0 }))} shape={markOf(at)} />
          ))}
        </ScatterChart>
      </ResponsiveContainer>
    </ChartFrame>
  )
}

/** At most a dozen of so many places, from the first. */
function every(count: number): number[] {
  const step = Math.max(1, Math.ceil(count / 12))
  return Array.from({ length: Math.ceil(count / step) }, (_, at) => at * step)
}

type Found = BlockPoint & { arm: string; colour: string; drawn: number }

const markOf = (at: number) => ({ cx, cy, payload }: ScatterShapeProps) => <BlockMark x={Number(cx)} y={Number(cy)} at={at} found={payload as Found} />
const tipOf = ({ active, payload }: TooltipContentProps) => (active && payload?.[0] !== undefined ? <Tip found={payload[0].payload as Found} /> : null)

function BlockMark({ x, y, at, found }: { x: number; y: number; at: number; found: Found }) {
  if (found.validity === 'failed') return <path d={`M${x - 4} ${y - 4}l8 8m0 -8l-8 8`} stroke={found.colour} strokeWidth={2} fill="none" />
  return <PointMark at={at} x={x} y={y} colour={found.colour} hollow={found.validity === 'invalid'} size={4.5} />
}

function Tip({ found }: { found: Found }) {
  return (
    <div className="chartTip">
      <span><i style={{ background: found.colour }} /><strong>{found.arm}</strong> <b>{rate(found.tokensPerSecond)} tokens/s</b></span>
      <span className="dim">block {found.order + 1}, round {found.round + 1}, {clockTime(found.startedAtMs)}{found.validity === 'valid' ? '' : ` · ${found.validity}`}</span>
      {found.reasons.map((reason) => <div key={reason} style={{ maxWidth: 340 }}>{reason}</div>)}
    </div>
  )
}
