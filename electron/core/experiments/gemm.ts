// The numeric guard's second half: one BF16 matrix product under an arm's SM share, against the same product on the CPU. For engines that give
// no log probabilities, and for what their prompts do not reach. Needs a python3 with torch; measures no speed.
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Arm, Check } from '../../../shared/experiment.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { Command, Host } from '../host/host.ts'
import type { Resident, Residents } from './residents.ts'
import { throwIfCancelled } from './until.ts'

/** Of the norm. Rounding of BF16 gives about 0.003; a wrong kernel gave 0.92 (sglang-omni, docs/basic_usage/mps_static_sm_partition.md). */
export const MOST_RELATIVE_ERROR = 0.02
const WITHIN_MS = 120_000
const PROGRAM = `
import json, torch
torch.manual_seed(0)
a, b = (torch.randn(*shape).bfloat16() for shape in ((512, 1024), (1024, 1024)))
right = a.float() @ b.float()
got = (a.cuda() @ b.cuda()).float().cpu()
print(json.dumps({"relativeError": ((got - right).norm() / right.norm()).item(), "multiprocessors": torch.cuda.get_device_properties(0).multi_processor_count}))
`
const Product = z.object({ relativeError: z.number(), multiprocessors: z.number().int() })
const SHARING = /^CUDA_/

/** The interpreter that an engine is most likely started with: beside vLLM's executable, the custom command's own, else the one on PATH. */
export function pythonOf({ spec }: Pick<Resident, 'spec'>): string {
  if (spec.recipe === 'vllm' && spec.executable.includes('/')) return join(dirname(spec.executable), 'python3')
  if (spec.recipe === 'custom' && /(^|\/)python[\d.]*$/.test(spec.argv[0] ?? '')) return spec.argv[0] ?? 'python3'
  return 'python3'
}

/** With the environment of the arm's first engine. */
export function gemmCommand(arm: Pick<Arm, 'name'>, { spec, preview }: Pick<Resident, 'spec' | 'preview'>): Command {
  const env = Object.fromEntries(Object.entries(preview.env).filter(([variable]) => SHARING.test(variable)))
  return { argv: [pythonOf({ spec }), '-c', PROGRAM], env, why: `check a BF16 matrix product under the SM share of ${arm.name}` }
}

/** Runs as one more MPS client, with the environment of the arm's first engine, while no load runs. Throws Cancelled. */
export async function gemmCheck({ arm, engines }: Residents, { host, simulated }: { host: Host; simulated: boolean }, signal: AbortSignal): Promise<Check> {
  const name = `gemm/${arm.id}`
  const notChecked = (why: string): Check => ({ name, weight: 'warns', result: 'notChecked', sentence: `A matrix product under the reduced SM share was not checked: ${why}.`, evidence: [] })
  const [engine] = engines
  if (simulated || !engine) return notChecked('there is no GPU behind a simulated workstation')
  const python = pythonOf(engine)
  const output = await host.run({ ...gemmCommand(arm, engine), timeoutMs: WITHIN_MS, aborted: signal }).catch((error: unknown) => {
    if (error instanceof FaultError) return error
    throw error
  })
  throwIfCancelled(signal)
  if (output instanceof FaultError) return notChecked(output.fault.sentence.replace(/\.$/, ''))
  const product = productIn(output.stdout)
  if (product === null) return notChecked(`${python} with torch is not at hand (${output.stderr.trim().split('\n').at(-1)?.slice(0, 200) || `exit code ${output.exitCode}`})`)
  const { relativeError, multiprocessors } = product
  const passed = relativeError <= MOST_RELATIVE_ERROR
  return {
    name, weight: 'invalidates', result: passed ? 'passed' : 'failed',
    sentence: passed ? `A BF16 matrix product under the SM share of ${arm.name} is right.` : `A BF16 matrix product under the SM share of ${arm.name} is wrong: with a reduced number of SMs the maths library chose a kernel that computes wrongly. What this arm measures does not count.`,
    evidence: [`relative error ${relativeError.toPrecision(2)} against the CPU, with ${multiprocessors} SMs`, `tolerance ${MOST_RELATIVE_ERROR}`],
  }
}

function productIn(stdout: string): z.infer<typeof Product> | null {
  try {
    return Product.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
  } catch {
    return null
  }
}
