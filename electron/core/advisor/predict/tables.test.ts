// The tables of models and GPUs: complete, equal to what was published, and found by the names that tools and hubs use.
import { expect, test } from 'vitest'
import { CARDS, cardOf } from './cards.ts'
import { isReduced, kvBytesPerToken, parametersOf, shapeOf, SHAPES, weightsMiBOf } from './shapes.ts'

test.each(SHAPES.map((shape) => [shape.name, shape] as const))('%s has as many parameters as published', (_name, shape) => {
  expect(Math.abs(parametersOf(shape) / 1e9 / shape.parametersBillion - 1)).toBeLessThan(0.005)
})

test('KV bytes per token', () => {
  expect(['Qwen2.5-0.5B', 'Qwen2.5-7B', 'Llama-3.1-8B', 'Gemma-3-4B'].map((name) => kvBytesPerToken(shapeOf(name) ?? SHAPES[0]!) / 1024)).toEqual([12, 56, 128, 136])
})

test.each([
  ['Qwen/Qwen2.5-0.5B-Instruct', 'Qwen2.5-0.5B'],
  ['/srv/models/Qwen2.5-1.5B-Instruct', 'Qwen2.5-1.5B'],
  ['/home/me/.cache/huggingface/hub/models--Qwen--Qwen2.5-3B-Instruct/snapshots/1a2b', 'Qwen2.5-3B'],
  ['qwen2.5-0.5b-instruct-fp16.gguf', 'Qwen2.5-0.5B'],
  ['SmolLM2-135M-F16.gguf', 'SmolLM2-135M'],
  ['SmolLM2-135M-Instruct.F16.gguf', 'SmolLM2-135M'],
  ['SmolLM2-135M.f16.gguf', 'SmolLM2-135M'],
  ['meta-llama/Llama-3.2-1B', 'Llama-3.2-1B'],
  ['meta-llama/Meta-Llama-3.1-8B-Instruct', 'Llama-3.1-8B'],
  ['google/gemma-3-4b-it', 'Gemma-3-4B'],
  ['Qwen/Qwen3-4B-Instruct-2507', 'Qwen3-4B'],
  ['microsoft/Phi-3.5-mini-instruct', 'Phi-3.5-mini'],
  ['facebook/opt-1.3b', 'OPT-1.3B'],
  ['Qwen/Qwen2.5-VL-3B-Instruct', null],
  ['Qwen/Qwen3-40B', null],
  ['Qwen/Qwen2.5-72B-Instruct', null],
  ['0.5b', null],
  ['random.gguf', null],
  [null, null],
])('%s is %s', (model, name) => expect(shapeOf(model)?.name ?? null).toBe(name))

test.each([
  ['qwen2.5-0.5b-instruct-q4_k_m.gguf', true], ['Qwen2.5-7B-Instruct-Q8_0.gguf', true], ['Qwen/Qwen2.5-7B-Instruct-AWQ', true], ['Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8', true], ['Qwen/Qwen3-8B-FP8', true],
  ['SmolLM2-135M-F16.gguf', false], ['Qwen/Qwen2.5-7B-Instruct', false], ['Qwen3-4B-BF16.gguf', false],
])('%s stores fewer than 16 bits: %s', (model, reduced) => expect(isReduced(model)).toBe(reduced))

test('weights', () => {
  expect(weightsMiBOf('Qwen/Qwen2.5-0.5B-Instruct')).toBe(943)
  expect(weightsMiBOf('google/gemma-3-4b-it')).toBeGreaterThan(8000)
  expect([weightsMiBOf('qwen2.5-0.5b-instruct-q4_k_m.gguf'), weightsMiBOf('some/model'), weightsMiBOf(null)]).toEqual([null, null, null])
})

test.each([
  ['NVIDIA H100 80GB HBM3', 'H100 SXM'], ['NVIDIA H100 PCIe', 'H100 PCIe'], ['NVIDIA H200', 'H200 SXM'], ['NVIDIA A100-SXM4-80GB', 'A100 80 GB SXM'], ['NVIDIA GeForce RTX 4090', 'RTX 4090'],
  ['NVIDIA L40S', 'L40S'], ['NVIDIA L4', 'L4'], ['NVIDIA RTX 6000 Ada Generation', 'RTX 6000 Ada'],
  ['NVIDIA H100 NVL', null], ['NVIDIA L40', null], ['NVIDIA A10G', null], ['NVIDIA GeForce RTX 4090 Laptop GPU', null], ['NVIDIA GeForce RTX 3090 Ti', null], ['Tesla T4', null],
])('%s is %s', (name, card) => expect(cardOf({ name, memoryTotalMiB: null })?.name ?? null).toBe(card))

test('memory is what the driver says', () => {
  expect(cardOf({ name: 'NVIDIA H100 80GB HBM3', memoryTotalMiB: 81559 })?.memoryBytes).toBe(81559 * 1024 * 1024)
  expect(new Set(CARDS.map(({ name }) => name)).size).toBe(CARDS.length)
})
