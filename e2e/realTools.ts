// A PATH of real tools for the product: NVIDIA's own MPS control daemon, a real llama-server, and, because no driver is here,
// the simulated nvidia-smi as the only stand-in.
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { install } from '../electron/sim/install.ts'
import { root } from './core.ts'
import { llamaParts } from './parts/llama.ts'
import { nvidiaParts, type NvidiaBranch } from './parts/nvidia.ts'

export interface RealTools {
  /** Environment for the product: PATH finds the tools by their own names. */
  env: Record<string, string>
  llamaServer: string
  model: string
  gpuUuid: string
}

/** `folder` is the caller's; the MPS tools are started through NVIDIA's own programs, by name. */
export async function realTools(folder: string, branch: NvidiaBranch): Promise<RealTools> {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  const sim = join(folder, 'sim')
  const { gpuUuids } = await install({ folder: sim, scene: 'mps-off' })
  const nvidia = await nvidiaParts(branch)
  const llama = await llamaParts()
  await writeFile(join(bin, 'nvidia-smi'), `#!/bin/sh\nOVERLAP_SIM='${sim}' exec '${process.execPath}' '${join(root, 'electron/sim/nvidiaSmi.ts')}' "$@"\n`)
  await chmod(join(bin, 'nvidia-smi'), 0o755)
  await symlink(join(nvidia.bin, 'nvidia-cuda-mps-control'), join(bin, 'nvidia-cuda-mps-control'))
  return { env: { PATH: `${bin}:${process.env['PATH']}` }, llamaServer: join(llama.bin, 'llama-server'), model: llama.model, gpuUuid: gpuUuids[0]! }
}
