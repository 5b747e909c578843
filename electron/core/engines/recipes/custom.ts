// Any program that serves HTTP on 127.0.0.1. Its argv is run as it stands, with {port}, {sequences} and {kvTokens} replaced.
import type { CustomSpec } from '../../../../shared/engine.ts'
import { FaultError } from '../../../../shared/fault.ts'
import { argumentAfter, type Recipe } from './recipe.ts'

export const custom: Recipe<CustomSpec> = {
  check(spec) {
    if (spec.port === null && !spec.argv.some((argument) => argument.includes('{port}'))) {
      throw new FaultError('BAD_INPUT', 'Nothing tells the program its port.', 'Write {port} where the port belongs in the command, or give the port it uses.', { field: 'spec.argv' })
    }
    const unknown = (['sequences', 'kvTokens'] as const).find((name) => spec[name] === null && spec.argv.some((argument) => argument.includes(`{${name}}`)))
    if (unknown) throw new FaultError('BAD_INPUT', `The command names {${unknown}}, which has no value.`, 'Fill in the field for it, or write the number into the command.', { field: `spec.${unknown}` })
    if (spec.argv[0] === '') throw new FaultError('BAD_INPUT', 'The command has no program.', 'Write the program first.', { field: 'spec.argv' })
  },
  argv: (spec, port) => spec.argv.map((argument) => argument
    .replaceAll('{port}', String(port)).replaceAll('{sequences}', String(spec.sequences)).replaceAll('{kvTokens}', String(spec.kvTokens))),
  doors: (spec) => ({
    healthPath: spec.healthPath,
    openAi: spec.openAi,
    metricsPath: spec.metricsPath,
    apiKey: argumentAfter(spec.argv, ['--api-key']) ?? spec.env['VLLM_API_KEY'] ?? null,
  }),
}
