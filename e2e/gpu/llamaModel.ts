// node e2e/gpu/llamaModel.ts FILE: a GGUF file with the layers of Qwen2.5-0.5B, random weights and a vocabulary of bytes: real work for a real
// llama-server on a GPU, with nothing to download. The full vocabulary (151,936) is left out: its matrix would be a quarter more work a token.
import { writeFileSync } from 'node:fs'
import { randomModel } from '../parts/randomModel.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('Say where to: node e2e/gpu/llamaModel.ts FILE')
writeFileSync(file, randomModel(1, { layers: 24, width: 896, feedForward: 4864, heads: 14, kvHeads: 2 }))
