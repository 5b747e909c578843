// ReportsFacts: what a report rests on: blocks that do not count, checks, load, engines, workstation, definitions.
import { Accordion, Button } from '@mantine/core'
import { useState } from 'react'
import type { Report } from '../../shared/experiment.ts'
import { besideText, blockCounts, countedText } from '../../shared/counted.ts'
import { checksNote } from '../../shared/headline.ts'
import { LATENCIES, THROUGHPUTS } from '../../shared/load.ts'
import { clockTime, gibibytes, UNKNOWN, watts } from '../../shared/units.ts'
import { armStyle } from '../parts/armColour.ts'
import { CommandText } from '../parts/CommandPreview.tsx'
import { StateBadge } from '../parts/StateBadge.tsx'
import { CheckList } from './CheckList.tsx'
import { arrivalsText, lengthsText, REGIMES } from './loadWords.ts'
import { claimsNote, ReportsClaims } from './ReportsClaims.tsx'

export function ReportsFacts({ report }: { report: Report }) {
  const claims = claimsNote(report)
  return (
    <section className="panel" aria-label="What it rests on">
      <Accordion multiple defaultValue={['claims', 'blocks', 'checks']} chevronPosition="left">
        {claims !== null && <Section value="claims" title="Against what was published" note={claims}><ReportsClaims report={report} /></Section>}
        <Section value="blocks" title="Blocks" note={blocksNote(report)}><Blocks report={report} /></Section>
        <Section value="checks" title="Checks" note={checksNote(report.checks)}><CheckList checks={report.checks} /></Section>
        <Section value="load" title="Load and arrangement" note={arrivalsText(report.plan.file.load)}><Load report={report} /></Section>
        <Section value="engines" title="Engines" note={`${report.engines.length}, with arguments and environment`}><Engines report={report} /></Section>
        <Section value="workstation" title="Workstation" note={`${report.workstation.gpuName}, driver ${report.workstation.driverVersion ?? UNKNOWN}, CUDA ${report.workstation.cudaVersion ?? UNKNOWN}`}><Pairs facts={workstationFacts(report)} /></Section>
        <Section value="definitions" title="Definitions" note="what each number means"><Definitions /></Section>
      </Accordion>
    </section>
  )
}

/** Two kinds, never added up: what the gains rest on, and what was only looked at beside them. */
function blocksNote({ blocks }: Report): string {
  const counts = blockCounts(blocks)
  return [countedText(counts.compared), besideText(counts)].filter((part) => part !== null).join('; beside them ')
}

function Section({ value, title, note, children }: { value: string; title: string; note: string; children: React.ReactNode }) {
  return (
    <Accordion.Item value={value}>
      <Accordion.Control><strong>{title}</strong> <span className="dim small">{note}</span></Accordion.Control>
      <Accordion.Panel>{children}</Accordion.Panel>
    </Accordion.Item>
  )
}

/** Shown at first. */
const MOST_BLOCKS = 10

const OUT = { invalid: { word: 'invalid', tone: 'busy', shape: 'ring' }, failed: { word: 'failed', tone: 'bad', shape: 'triangle' } } as const

function Blocks({ report }: { report: Report }) {
  const out = report.blocks.filter((block) => block.validity !== 'valid')
  const [most, setMost] = useState(MOST_BLOCKS)
  if (out.length === 0) return <div className="dim">Nothing that was measured is left out. Probes look for each arm's plateau, control blocks show what idle engines cost: they count towards no gain.</div>
  return (
    <ul className="checkList" aria-label="Blocks that do not count">
      {out.slice(0, most).map((block) => (
        <li key={block.index}>
          <StateBadge look={OUT[block.validity === 'failed' ? 'failed' : 'invalid']} />
          <span>{block.reasons.join(' ') || 'No reason was recorded.'} <span className="dim small">block {block.index + 1}, round {block.round + 1}{block.purpose === 'compared' ? '' : `, ${block.purpose}`}, {report.plan.file.arms.find((arm) => arm.id === block.armId)?.name ?? block.armId}, {clockTime(block.startedAtMs)}</span></span>
        </li>
      ))}
      {out.length > most && <li><span /><Button variant="subtle" style={{ justifySelf: 'start' }} onClick={() => setMost(out.length)}>Show all {out.length}</Button></li>}
    </ul>
  )
}

function Load({ report }: { report: Report }) {
  const { load, blocks } = report.plan.file
  return <Pairs facts={[
    ['Arrivals', arrivalsText(load)], ['Regime', REGIMES[load.regime]], ['Prompts', lengthsText(load.prompt)], ['Outputs', `${lengthsText(load.output)}${load.ignoreEos ? ', past the end token where the engine can' : ''}`],
    ['API', load.api], ['Seed', String(load.seed)], ['Tokens per chunk', load.streamIntervalTokens === null ? "the engine's own" : String(load.streamIntervalTokens)],
    ['Blocks', `${blocks.rounds} rounds, ${blocks.seconds} s each after ${blocks.warmUpSeconds} s of warm-up, ${blocks.coolDownSeconds} s between`], ['Residency', report.plan.residency === 'hot' ? 'all arms loaded side by side; only the load moved' : 'arms loaded one at a time'],
    ['Source', report.plan.file.source ?? UNKNOWN],
  ]} />
}

function Engines({ report }: { report: Report }) {
  if (report.engines.length === 0) return <div className="dim">No engine was loaded.</div>
  return (
    <div className="reportEngines">
      {report.engines.map((engine) => (
        <article className="command" key={engine.name} aria-label={engine.name} style={armStyle(report.plan.file.arms, engine.armId)}>
          <header><span className="dot" /><strong>{engine.name}</strong><span className="dim small cut">{[engine.attachment.replace(/\.$/, ''), engine.version, `model revision ${engine.modelRevision ?? UNKNOWN}`, `KV cache ${engine.kvCacheTokens?.toLocaleString('en-US') ?? UNKNOWN} tokens`, `${engine.maxSequences ?? UNKNOWN} sequences`, `cores ${engine.cpus ?? 'any'}`].filter((part) => part !== null).join(' · ')}</span></header>
          <CommandText command={{ argv: engine.argv, env: engine.env, cwd: null, stdin: null, why: '' }} />
          {engine.attachmentEvidence.length > 0 && <div className="dim small" style={{ padding: '0 10px 8px' }}>{engine.attachmentEvidence.join(' · ')}</div>}
        </article>
      ))}
    </div>
  )
}

function workstationFacts({ workstation: one, scene, simulated }: Report): [string, string][] {
  return [
    ['GPU', one.gpuName], ['UUID', one.gpuUuid], ['Memory', gibibytes(one.memoryTotalMiB)], ['Power limit', watts(one.powerLimitWatts)], ['Driver', one.driverVersion ?? UNKNOWN], ['CUDA, at most', one.cudaVersion ?? UNKNOWN], ['Compute mode', one.computeMode ?? UNKNOWN],
    ['MPS control', one.mpsControlVersion ?? UNKNOWN], ['GPU readings from', one.gpuMetricsSource], ['Host', one.hostName], ['CPU', `${one.cpu}, ${one.cores} cores`], ['Kernel', one.kernel], ['Overlap', `${one.overlapVersion}, Node ${one.nodeVersion}`],
    ...(simulated ? [['Simulated', scene ?? 'yes'] as [string, string]] : []),
  ]
}

function Pairs({ facts }: { facts: [string, string][] }) {
  return <dl className="pairs">{facts.map(([name, fact]) => <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{fact}</dd></div>)}</dl>
}

function Definitions() {
  const all = [...Object.values(THROUGHPUTS), ...Object.values(LATENCIES)]
  return (
    <dl className="definitions">
      {all.map(({ label, meaning }) => <div key={label} style={{ display: 'contents' }}><dt>{label}</dt><dd>{meaning}</dd></div>)}
      <dt>Gain</dt><dd>The mean of log ratios over pairs of valid blocks from the same round, as a ratio − 1, with its 95 % t interval. Below six pairs it is called “too few blocks”; where the interval holds zero, “no difference shown”. The interval holds what changes from block to block, and not what changes from one loading of the engines to the next: run it again to see that.</dd>
      <dt>Best single engine</dt><dd>One engine that is given the resources of all replicas together: KV cache, cores, sequences. The headline is against it.</dd>
    </dl>
  )
}
