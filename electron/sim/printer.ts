// Standard output as nvidia-smi uses it: unbuffered, sometimes token by token, sometimes not at all. Decides nothing about content.
import type { Folder, SceneFile } from './folder.ts'
import type { Misbehaviour } from './scenes.ts'

/** Every so many rows one is written in two parts. */
const SPLIT_EVERY = 10
const SPLIT_PAUSE_MS = 4

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Epoch ms until which the driver does not answer; null: it answers. */
export function hungUntilMs(openedAtMs: number, hang: Misbehaviour['hang'], nowMs: number): number | null {
  if (!hang) return null
  const sinceFirst = nowMs - openedAtMs - hang.afterSeconds * 1000
  if (sinceFirst < 0) return null
  const into = sinceFirst % (hang.everySeconds * 1000)
  return into < hang.forSeconds * 1000 ? nowMs - into + hang.forSeconds * 1000 : null
}

export class Printer {
  readonly #misbehaviour: Misbehaviour
  readonly #openedAtMs: number
  #rows = 0

  constructor(folder: Folder, scene: SceneFile) {
    this.#misbehaviour = folder.misbehaviour(scene)
    this.#openedAtMs = scene.openedAtMs
    process.stdout.on('error', () => process.exit(141)) // the reader is gone
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (this.#hungUntilMs() === null) process.exit(0)
      })
    }
  }

  /** Returns when the driver answers. */
  async driver(): Promise<void> {
    for (let until = this.#hungUntilMs(); until !== null; until = this.#hungUntilMs()) await sleep(until - Date.now() + 1)
  }

  text(text: string): void {
    process.stdout.write(text)
  }

  /** One data row, without its line end. */
  async row(row: string): Promise<void> {
    this.#rows += 1
    const half = row.length >> 1
    const cutEvery = this.#misbehaviour.halfLineEvery
    if (cutEvery !== undefined && this.#rows % cutEvery === 0) return this.text(`${row.slice(0, half)}\n`)
    const hung = this.#hungUntilMs() !== null
    if (!hung && this.#rows % SPLIT_EVERY !== 0) return this.text(`${row}\n`)
    this.text(row.slice(0, half))
    await (hung ? this.driver() : sleep(SPLIT_PAUSE_MS))
    this.text(`${row.slice(half)}\n`)
  }

  #hungUntilMs(): number | null {
    return hungUntilMs(this.#openedAtMs, this.#misbehaviour.hang, Date.now())
  }
}

/** Calls `sample` every `periodMs` without drift, `count` times or for ever; ends the process when the scene is taken away. */
export async function repeat(folder: Folder, periodMs: number, count: number | null, sample: (nowMs: number, turn: number) => Promise<void>): Promise<void> {
  let due = Date.now()
  for (let turn = 0; count === null || turn < count; turn += 1) {
    if (turn > 0) {
      due = Math.max(due + periodMs, Date.now() - periodMs)
      await sleep(Math.max(0, due - Date.now()))
      if (turn % 5 === 0 && folder.scene() === null) process.exit(0)
    }
    await sample(Date.now(), turn)
  }
}
