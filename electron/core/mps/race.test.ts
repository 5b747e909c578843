// The claim: whoever else talks to the daemon, and however carelessly, Overlap never takes a wrong answer for a right one.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { race } from './race.testkit.ts'
import { bench, realTools } from './realDaemon.testkit.ts'

const others = { foreignCallers: 8, pauseMs: 50 }

describe('8 foreign callers on one real daemon', () => {
  it('0 of 1,000 answers are wrong for us, more than 0 without turn lock and sentinel', async () => {
    const tools = await realTools('535')
    const guarded = await race({ tools, calls: 1000, guarded: true, ...others })
    const plain = await race({ tools, calls: 150, guarded: false, ...others })
    console.info('control channel race', JSON.stringify({ guarded, plain }))
    expect(guarded).toMatchObject({ calls: 1000, wrong: 0, refused: 0 })
    expect(guarded.overlapped).toBeGreaterThanOrEqual(500)
    expect(plain.wrong).toBeGreaterThan(0)
  }, 300_000)
})

describe('two Overlaps on one real daemon', () => {
  it('take turns: no session of either is ever lost', async () => {
    const here = bench(await realTools('550'))
    try {
      await expect(here.gpuDaemon().start()).rejects.toMatchObject({ fault: { code: 'NO_CUDA_DEVICE' } })
      const program = fileURLToPath(new URL('secondOverlap.testkit.ts', import.meta.url))
      const run = async (first: number) => {
        const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify({ tools: here.tools, pipe: here.pipe, first, calls: 60 })])
        return JSON.parse(stdout) as unknown
      }
      const ends = await Promise.all([run(10), run(80)])
      expect(ends).toEqual([{ right: 60, repeats: 0 }, { right: 60, repeats: 0 }])
    } finally {
      await here.close()
    }
  })
})
