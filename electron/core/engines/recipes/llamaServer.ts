// llama-server of llama.cpp. Only flags that old and new builds both know; everything that sizes it is explicit, because
// newer builds fit unset values to the memory that happens to be free.
import type { LlamaServerSpec } from '../../../../shared/engine.ts'
import { argumentAfter, hostArguments, refuseFarHost, refuseOwnFlags, type Recipe } from './recipe.ts'

const OWN_FLAGS = ['--port', '-m', '--model', '-c', '--ctx-size', '-np', '--parallel', '-ngl', '--gpu-layers', '--n-gpu-layers', '--metrics']

export const llamaServer: Recipe<LlamaServerSpec> = {
  check(spec) {
    refuseOwnFlags(spec.extraArguments, OWN_FLAGS)
    refuseFarHost(spec.extraArguments)
  },
  argv: (spec, port) => [
    spec.executable,
    '-m', spec.modelPath,
    ...hostArguments(spec.extraArguments),
    '--port', String(port),
    '-c', String(spec.contextTokens),
    '-np', String(spec.slots),
    '-ngl', String(spec.gpuLayers ?? 999), // more than any model has: all
    '--metrics',
    ...spec.extraArguments,
  ],
  doors: (spec) => ({
    healthPath: '/health',
    openAi: true,
    metricsPath: '/metrics',
    apiKey: argumentAfter(spec.extraArguments, ['--api-key']) ?? spec.env['LLAMA_API_KEY'] ?? null,
  }),
}
