// A wall cannot fall silently: every import of every wrong file must be refused, in each of the six ways of writing it.
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const wrong = globSync('e2e/lint/wrong/**/*.ts', { cwd: root }).toSorted()

interface Finding {
  message: string
  code: string
  filename: string
  labels: { span: { line: number } }[]
}

function findings(paths: string[]): Finding[] {
  let printed: string
  try {
    printed = execFileSync(process.execPath, ['node_modules/oxlint/bin/oxlint', '--no-ignore', '-f', 'json', '-c', '.oxlintrc.json', ...paths], { cwd: root, encoding: 'utf8' })
  } catch (error) {
    printed = (error as { stdout: string }).stdout
  }
  return (JSON.parse(printed) as { diagnostics: Finding[] }).diagnostics.filter((finding) => finding.code.startsWith('overlap'))
}

describe('what a side does not have', () => {
  it.each(['shared', 'core', 'app', 'renderer'])('%s', (side) => {
    const { stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', `e2e/lint/absent/tsconfig.${side}.json`, '--noEmit', '--pretty', 'false'], { cwd: root, encoding: 'utf8' })
    const lines = readFileSync(join(root, `e2e/lint/absent/${side}.ts`), 'utf8').split('\n').flatMap((line, at) => (line.startsWith('export') ? [`e2e/lint/absent/${side}.ts(${at + 1}`] : []))
    expect(stdout.trim().split('\n').map((line) => line.split(',')[0])).toEqual(lines)
    for (const line of stdout.trim().split('\n')) expect(line).toMatch(/Cannot find name/)
  })
})

describe('walls', () => {
  const all = findings(wrong)

  it('has wrong files', () => expect(wrong.length).toBeGreaterThan(25))

  it.each(wrong)('%s', (path) => {
    const lines = readFileSync(join(root, path), 'utf8').split('\n')
    const reason = lines[0]?.replace('// refused: ', '') ?? ''
    const expected = lines.flatMap((line, at) => (/(from|import\()\s*'|\/proc|\.follow\(/.test(line) && at > 0 ? [at + 1] : []))
    const found = all.filter((finding) => finding.filename === path)
    expect(found.map((finding) => finding.labels[0]?.span.line).toSorted((a, b) => Number(a) - Number(b))).toEqual(expected)
    for (const finding of found) expect(finding.message).toContain(reason)
  })
})
