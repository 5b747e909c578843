// llama-server, a real inference engine that needs no GPU, and a model for it. Both real, both small, neither ours to fix.
// From Debian sid, so versions move on: assert behaviour and print the version.

import { mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { aptFolder, type AptNeed } from './aptFolder.ts'
import { cacheFolder, placeFile, shellWord } from './cacheFolder.ts'
import { withInterpreter } from './interpreter.ts'
import { randomModel } from './randomModel.ts'

export interface LlamaParts {
  readonly version: string
  /** Holds the executable `llama-server`, so a test can put it first on PATH as a user's installation would be. */
  readonly bin: string
  /** `llama-server` itself. Needs no environment: add `--model`, `--host 127.0.0.1`, `--port` and the rest. */
  readonly argv: readonly string[]
  /** A GGUF file of random weights, 8 MB: 4 layers, context 32,768, one token per byte of the prompt. */
  readonly model: string
}

/** sid is built against a newer glibc than the host's, so its own comes along. */
export const llamaNeed: AptNeed = {
  name: 'llama',
  suite: 'sid',
  components: ['main'],
  packages: ['llama.cpp-tools', 'libllama0', 'libggml0', 'libc6', 'libgcc-s1', 'libstdc++6', 'libgomp1', 'libssl3t64', 'libzstd1', 'zlib1g'],
}

export async function llamaParts(): Promise<LlamaParts> {
  const folder = await aptFolder(llamaNeed)
  const version = (folder.versions['llama.cpp-tools'] ?? '').replace(/^\d+:/, '')
  const model = join(cacheFolder(), 'random-weights.gguf')
  await placeFile(model, randomModel(), 0o644)
  const bin = join(folder.root, '..', 'bin')
  const server = join(bin, 'llama-server')
  await placeFile(server, wrapper(await placeProgram(folder.root), folder.root), 0o755)
  return { version, bin, argv: [server], model }
}

/**
 * The program with sid's loader, and beside it the CPU back ends: ggml looks for them in one compiled-in system folder and
 * next to the executable, and picks the best for this CPU. (GGML_BACKEND_PATH would name one and end the choice.)
 */
async function placeProgram(root: string): Promise<string> {
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu')
  const folder = join(root, '..', 'program')
  const program = join(folder, 'llama-server')
  const original = await readFile(join(root, 'usr/bin/llama-server'))
  await placeFile(program, withInterpreter(original, join(libraries, 'ld-linux-x86-64.so.2')), 0o755)
  await mkdir(folder, { recursive: true })
  const found = await readdir(join(libraries, 'ggml'), { recursive: true })
  const backends = found.filter((path) => /libggml-cpu-[^/]*\.so$/.test(path))
  if (backends.length === 0) throw new Error(`libggml0 no longer has CPU back ends under ${libraries}/ggml`)
  await Promise.all(backends.map((path) => linkInto(folder, join(libraries, 'ggml', path))))
  return program
}

async function linkInto(folder: string, target: string): Promise<void> {
  const name = target.slice(target.lastIndexOf('/') + 1)
  await symlink(relative(folder, target), join(folder, name)).catch((failure: NodeJS.ErrnoException) => {
    if (failure.code !== 'EEXIST') throw failure
  })
}

/**
 * LD_LIBRARY_PATH is set here, for this one program, and must never be set around it: with sid's libc in it every
 * program of the host (sh, setsid, systemd-run, node) dies with "symbol lookup error". `exec` keeps the pid, so signals reach the engine.
 */
function wrapper(program: string, root: string): string {
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu')
  return `#!/bin/sh
LD_LIBRARY_PATH=${shellWord(`${libraries}:${libraries}/llama`)} exec ${shellWord(program)} "$@"
`
}
