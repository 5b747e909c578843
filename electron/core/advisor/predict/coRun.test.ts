// The model against its golden values and against the reference sketch it was written from; that it never promises more than n engines can give.
import { expect, test } from 'vitest'
import { z } from 'zod'
import grid from './fixtures/grid.json' with { type: 'json' }
import { contentOf, DEFAULTS, FITTED_HOST, sequencesThatFit, withTheta } from './coRun.ts'
import { cardNamed, gainOf, shapeNamed, type Case } from './gain.testkit.ts'
import { stepOf } from './kernels.ts'

test('golden values: Qwen2.5-1.5B, decode, batch 512, context 256, H100', () => {
  const step = stepOf(cardNamed('H100 SXM'), shapeNamed('Qwen2.5-1.5B'), { phase: 'decode', batch: 512, contextTokens: 256 })
  const { exclusiveSeconds, saturatedShare } = contentOf(step, DEFAULTS)
  const seen = [step.gpuSeconds * 1e3, step.flops / 1e12, step.bytes / 1e9, step.computeSeconds * 1e3, step.memorySeconds * 1e3, exclusiveSeconds * 1e3, saturatedShare]
  expect(seen.map((value) => value.toFixed(4))).toEqual(['5.8189', '1.6032', '10.3816', '1.8583', '3.3684', '4.4608', '0.2320'])
})

const Row = z.object({
  card: z.string(), model: z.string(), phase: z.enum(['decode', 'prefill']), batch: z.number(), contextTokens: z.number(), only: z.enum(['attention', 'mlp']).nullable(),
  engines: z.number(), sharing: z.enum(['mps', 'timeSliced']), regime: z.enum(['equalTotal', 'equalPerEngine']), theta: z.number().nullable(), overlapsGpu: z.boolean(),
  expected: z.record(z.string(), z.number()),
})
const rows = z.array(Row).min(30).parse(grid.rows)

test.each(rows.map((row) => [`${row.card} ${row.model} ${row.phase} ${row.batch}×${row.contextTokens} ${row.engines} ${row.sharing} θ ${row.theta ?? 'default'}`, row] as const))('as the reference: %s', (_name, row) => {
  const coRun = row.theta === null ? DEFAULTS : withTheta(row.theta)
  const found = gainOf({ ...row, coRun, host: { ...FITTED_HOST, overlapsGpu: row.overlapsGpu } })
  const { step } = found.together
  const seen: Record<string, number> = {
    gain: found.gain, singleBatch: found.singleBatch, eachBatch: found.eachBatch, singlePerSecond: found.singlePerSecond, togetherPerSecond: found.togetherPerSecond,
    gpuSeconds: step.gpuSeconds, computeSeconds: step.computeSeconds, memorySeconds: step.memorySeconds, attentionShare: step.attentionShare, ...contentOf(step, coRun),
  }
  for (const [name, expected] of Object.entries(row.expected)) expect(Math.abs((seen[name] ?? Number.NaN) - expected), name).toBeLessThanOrEqual(1e-9 * Math.max(1e-9, Math.abs(expected)))
})

test('never above n times one engine, and more overlap never does harm', () => {
  const cases = ['Qwen2.5-0.5B', 'Qwen2.5-3B', 'Qwen2.5-7B', 'Gemma-3-1B'].flatMap((model) => ['H100 SXM', 'L4', 'B200'].flatMap((card) => [2, 3, 8].flatMap((engines) =>
    ([['decode', 16], ['decode', 1024], ['prefill', 256]] as const).flatMap(([phase, batch]) => (['equalTotal', 'equalPerEngine'] as const).flatMap((regime) => [128, 2048].map((contextTokens): Case => ({ card, model, engines, phase, batch, regime, contextTokens })))))))
  for (const each of cases) {
    const [ideal, likely, none] = [withTheta(0), DEFAULTS, withTheta(1)].map((coRun) => gainOf({ ...each, coRun }))
    if ((ideal?.eachBatch ?? 0) < 1) continue // does not fit
    expect(ideal?.gain, JSON.stringify(each)).toBeLessThanOrEqual((each.engines ?? 2) - 1)
    expect(ideal?.gain).toBeGreaterThanOrEqual(likely?.gain ?? Infinity)
    expect(likely?.gain).toBeGreaterThanOrEqual(none?.gain ?? Infinity)
  }
})

test('the KV cache shrinks with every further engine, and holds nothing where the weights do not fit', () => {
  const [card, shape] = [cardNamed('H100 SXM'), shapeNamed('Qwen2.5-7B')]
  const held = [1, 2, 3, 4].map((engines) => engines * sequencesThatFit(card, shape, 2048, engines))
  expect(held).toEqual([...held].sort((a, b) => b - a))
  expect(sequencesThatFit(card, shapeNamed('Qwen2.5-32B'), 2048, 2)).toBe(0)
})
