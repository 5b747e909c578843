// The load generator, a program of its own: `node generator.ts` reads orders from standard input and prints what came of them,
// one line of JSON each (wire.ts). One order at a time, for one engine. It ends with its standard input.
import { createInterface } from 'node:readline'
import { Block } from './block.ts'
import { Calibration } from './tokens.ts'
import type { FromGenerator, ToGenerator } from './wire.ts'

/** Per engine, kept from block to block. An address that is used again belongs to another engine of the same experiment. */
const calibrations = new Map<string, Calibration>()
let block: Block | null = null

const say = (line: FromGenerator): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

async function take(line: ToGenerator): Promise<void> {
  if ('stop' in line) return block?.stop()
  if (block !== null) return say({ failed: 'An order came while another was carried out.' })
  const { target } = line.order
  const engine = `${target.engineName} ${target.url}`
  const calibration = calibrations.get(engine) ?? new Calibration()
  calibrations.set(engine, calibration)
  try {
    block = new Block(line.order, { calibration, onProgress: (progress) => say({ progress }) })
    const outcome = await block.outcome
    block = null
    say(outcome === null ? { stopped: true } : { outcome })
  } catch (error) {
    block?.stop()
    block = null
    say({ failed: error instanceof Error ? error.message : String(error) })
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => void take(JSON.parse(line) as ToGenerator))
lines.on('close', () => process.exit(0))
say({ ready: true })
