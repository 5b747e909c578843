// The contract as plain HTTP under /api, so that a script can do what a button does. Streams are server-sent events.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { OpenAPIGenerator } from '@orpc/openapi'
import { OpenAPIHandler } from '@orpc/openapi/node'
import { BodyLimitPlugin } from '@orpc/server/node'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { contract, PACE } from '../../shared/contract.ts'
import { Engine, EngineSpec } from '../../shared/engine.ts'
import { ExperimentFile, ExperimentNow, Plan, Report } from '../../shared/experiment.ts'
import { Fault, FaultError } from '../../shared/fault.ts'
import { GpuFrame } from '../../shared/gpu.ts'
import { MpsDaemon } from '../../shared/mps.ts'
import { asContractError, type Answers } from '../core/answers.ts'
import { ReaderLink } from '../core/kit/paced.ts'
import type { Log } from '../core/kit/log.ts'

/** Largest request body and largest socket message, of those who have the token. A spec of an engine is a few KiB, somebody's report many MiB. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024

/** Schemas that many calls share: written once into the description, under their names, as they are answered. */
const ANSWERED = { Fault, Engine, GpuFrame, MpsDaemon, ExperimentNow, Plan, Report }
const named = {
  ...Object.fromEntries(Object.entries(ANSWERED).map(([name, schema]) => [name, { schema, strategy: 'output' as const }])),
  EngineSpec: { schema: EngineSpec },
  ExperimentFile: { schema: ExperimentFile },
}

export class Api {
  readonly #rest: OpenAPIHandler<{ link: ReaderLink }>
  #document: Promise<unknown> | null = null
  readonly #version: string

  constructor(parts: { answers: Answers; log: Log; version: string }) {
    this.#version = parts.version
    this.#rest = new OpenAPIHandler(parts.answers, {
      plugins: [new BodyLimitPlugin({ maxBodySize: MAX_BODY_BYTES })],
      // every refusal reads alike, also of what fails before the contract sees it: the Fault itself
      customErrorResponseBodyEncoder: (error) => asContractError(error, parts.log).data,
    })
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/api/openapi.json') {
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end(JSON.stringify(await this.#openApi()))
      return
    }
    const link = new ReaderLink({ acknowledges: false, unacknowledged: PACE.unacknowledged })
    const { matched } = await this.#rest.handle(request, response, { prefix: '/api', context: { link } })
    if (!matched) throw new FaultError('NOT_FOUND', `There is no call ${request.method} ${request.url}.`, 'See /api/openapi.json for all there are.')
  }

  #openApi(): Promise<unknown> {
    this.#document ??= new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] }).generate(contract, {
      // what is refused is answered with the Fault itself
      customErrorResponseBodySchema: { $ref: '#/components/schemas/Fault' },
      commonSchemas: named,
      info: { title: 'Overlap', version: this.#version, description: 'Everything the screens can do. Send the token as `Authorization: Bearer …`.' },
      servers: [{ url: '/api' }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    })
    return this.#document
  }
}
