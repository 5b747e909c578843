// What was run, on what, and how to run it again: definitions, load, workstation, engines, the experiment as a file.
import { stringify } from 'yaml'
import type { Report, ReportedEngine } from '../../../../shared/experiment.ts'
import { LATENCIES, limitsText, THROUGHPUTS } from '../../../../shared/load.ts'
import { duration, fixed, gibibytes, UNKNOWN, watts } from '../../../../shared/units.ts'
import type { Part, Section } from './outline.ts'
import { arrivalsText, commandText, dayAndTime, KINDS, lengthsText } from './words.ts'

/** A name of somebody else's report must not become a line of a script. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ')

const table = (rows: readonly (readonly [string, string])[]): Part => ({ kind: 'table', head: ['What', 'Value'], rows, numbersFrom: null })

export function definitionSections(report: Report): Section[] {
  const { load, blocks, arms } = report.plan.file
  return [
    { title: 'What the numbers mean', parts: [table([
      ...Object.values(THROUGHPUTS).map(({ label, meaning }) => [label, meaning] as const), ...Object.values(LATENCIES).map(({ label, meaning }) => [label, meaning] as const),
    ])] },
    { title: 'Load', parts: [table([
      ['Requests', `${load.api}, streaming; prompts of ${lengthsText(load.prompt)}, outputs of ${lengthsText(load.output)}${load.ignoreEos ? ', past the end token' : ''}`],
      ['Arrivals', `${arrivalsText(load.arrivals)}; ${load.regime === 'equalTotal' ? 'counted over the whole arm' : 'counted per engine'}`],
      ['Tokens per chunk', load.streamIntervalTokens === null ? "the engine's own" : String(load.streamIntervalTokens)],
      ['Goodput limits', limitsText(load.goodput)],
      ['Seed', `${load.seed}: arrivals, lengths and the order of arms. The words of prompts are others in every block and run, so that no prefix cache answers them`],
      ['Blocks', `${blocks.rounds} rounds of one block per arm, order turned in every other round; ${duration(1000 * blocks.seconds)} measured after ${duration(1000 * blocks.warmUpSeconds)} of warm-up, ${duration(1000 * blocks.coolDownSeconds)} of pause. What something passing spoils is measured once more at the end of its round, at most a quarter of the blocks`],
      ['Engines', report.plan.residency === 'hot' ? 'all loaded side by side; only the load alternates' : "an arm's engines are loaded for its blocks and then taken down"],
      ...arms.map((arm) => [`Arm ${arm.id}`, `${arm.name}: ${arm.engines} engine${arm.engines === 1 ? '' : 's'}, ${KINDS[arm.kind]}`] as const),
    ])] },
  ]
}

export function setupSections(report: Report): Section[] {
  const { workstation } = report
  return [
    { title: 'Workstation and versions', parts: [table([
      ['GPU', `${workstation.gpuName}, ${gibibytes(workstation.memoryTotalMiB)}, ${workstation.gpuUuid}`], ['Driver', workstation.driverVersion ?? UNKNOWN], ['CUDA, at most', workstation.cudaVersion ?? UNKNOWN], ['MPS control', workstation.mpsControlVersion ?? UNKNOWN],
      ['Compute mode', workstation.computeMode ?? UNKNOWN], ['Power limit', watts(workstation.powerLimitWatts)], ['GPU readings', workstation.gpuMetricsSource],
      ['Machine', `${workstation.hostName}, ${workstation.cpu}, ${workstation.cores} cores, Linux ${workstation.kernel}`], ['Overlap', `${workstation.overlapVersion} on Node ${workstation.nodeVersion}`],
      ['Time', `${dayAndTime(report.startedAtMs)} to ${dayAndTime(report.endedAtMs)}`], ['Set aside for it', report.plan.setsAside.join(', ') || 'nothing'],
    ])] },
    { title: 'Engines', parts: report.engines.length === 0 ? [{ kind: 'text', text: 'No engine was started.' }] : [
      { kind: 'table', numbersFrom: null, head: ['Engine', 'Arm', 'Attachment', 'Evidence', 'Pids', 'CPUs', 'KV cache, tokens', 'Max sequences', 'Version', 'Model revision'], rows: report.engines.map(engineRow) },
      { kind: 'code', language: 'sh', text: report.engines.map((engine) => `# ${oneLine(engine.name)}\n${[...Object.entries(engine.env).map(([name, value]) => `${commandText([name])}=${commandText([value])}`), commandText(engine.argv)].join(' \\\n  ')}`).join('\n\n') },
      { kind: 'text', text: 'Environment as set over that of the login shell; secrets are masked.' },
    ] },
    { title: 'How to repeat it', parts: repeatParts(report) },
  ]
}

const engineRow = (engine: ReportedEngine): string[] => [
  engine.name, engine.armId, engine.attachment, engine.attachmentEvidence.join('; ') || UNKNOWN, engine.pids.join(', ') || UNKNOWN, engine.cpus ?? 'all',
  engine.kvCacheTokens === null ? UNKNOWN : fixed(engine.kvCacheTokens), engine.maxSequences === null ? UNKNOWN : fixed(engine.maxSequences), engine.version ?? UNKNOWN, engine.modelRevision ?? UNKNOWN,
]

function repeatParts(report: Report): Part[] {
  const { file } = report.plan
  // whoever reads it may have another GPU: which one it was stands in the command
  const portable = { ...file, engine: file.engine === null ? null : { ...file.engine, gpuUuid: null } }
  const command = ['npm', 'run', 'experiment', '--', 'FILE.yaml', '--out', 'DIR', ...(report.simulated && report.scene !== null ? ['--scene', report.scene] : []), '--gpu', report.workstation.gpuUuid]
  return [
    { kind: 'text', text: `Save this as FILE.yaml.${file.engine === null ? ' It names no engine: the engine that was copied here is seen in the commands above; choose it with --engine, or write it into the file.' : ''}${file.needs.length === 0 ? '' : ` Needed: ${file.needs.join('; ')}.`} On another machine leave --gpu out, or name one of its own.${report.plan.setsAside.length === 0 ? '' : ' Engines that were set aside need not be there.'}` },
    { kind: 'code', language: 'sh', text: commandText(command) },
    { kind: 'code', language: 'yaml', text: stringify(portable, { lineWidth: 0, aliasDuplicateObjects: false }) },
    ...(file.source === null ? [] : [{ kind: 'text' as const, text: `It repeats: ${file.source}` }]),
  ]
}
