// `npm run bench -- NAME … [short]`: measures, beside a yardstick of the same run, and prints the ratio. Most of it is read by people; a row whose
// goal is a promise (aa, cancel) ends it with exit code 1 when it is missed. short: fewer runs, for a quick look, where a benchmark has many.
import { cpus } from 'node:os'
import type { Row } from './row.ts'

const BENCHES: Record<string, () => Promise<{ run: (how: { short: boolean }) => Promise<Row[]> }>> = {
  start: () => import('./start.ts'),
  core: () => import('./coreCost.ts'),
  mps: () => import('./mps.ts'),
  control: () => import('./control.ts'),
  live: () => import('./live.ts'),
  load: () => import('./load.ts'),
  cancel: () => import('./cancel.ts'),
  aa: () => import('./aa.ts'),
}

const words = process.argv.slice(2)
const names = words.filter((word) => word !== 'short')
const unknown = names.filter((name) => !(name in BENCHES))
if (names.length === 0 || unknown.length > 0) {
  console.log(`npm run bench -- ${Object.keys(BENCHES).join(' | ')}${unknown.length > 0 ? `\nThere is no benchmark ${unknown.join(', ')}.` : ''}`)
  process.exit(names.length === 0 ? 0 : 1)
}
console.log(`${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model} · Node ${process.versions.node}`)
let missed = false
for (const name of names) {
  const { run } = await BENCHES[name]!()
  for (const row of await run({ short: words.includes('short') })) {
    console.log(`\n${row.what}`)
    console.log(`  ours       ${row.ours}`)
    console.log(`  yardstick  ${row.yardstick}`)
    console.log(`  ratio      ${row.ratio === null ? '–' : row.ratio.toFixed(2)}    goal ${row.goal}`)
    if (row.note) console.log(`  note       ${row.note}`)
    missed ||= row.missed ?? false
  }
}
process.exit(missed ? 1 : 0)
