// Rules that speak of limits which do not hold as they were set.
import type { Finding, Rule } from '../facts.ts'
import { enginesOn, gpuName } from '../facts.ts'
import { forDaemons, openMps } from './mpsRules.ts'

/** The user set a default, and the running server is older than it. One that was set by itself is meant to differ. */
export const serverBehindDefault = forDaemons('serverBehindDefault', ({ state, ownership, limits, gpuUuid }, facts) => {
  const [server] = limits.servers
  const { sharePercent } = limits.wanted
  if (state !== 'running' || ownership !== 'overlap' || sharePercent === null || server?.sharePercent == null || server.changedAtMs !== null) return null
  if (Math.abs(server.sharePercent - sharePercent) < 0.1) return null
  return {
    rank: 3,
    sentence: `The MPS server of ${gpuName(facts, gpuUuid)} was started before its default SM share was set to ${sharePercent} %, and leaves its clients ${server.sharePercent} %: restart MPS, then the engines, for the default to count.`,
    evidence: [`default: ${sharePercent} %`, `server ${server.pid}: ${server.sharePercent} %`],
    action: { call: 'mps.restart', label: 'Restart MPS', input: { gpuUuid } },
  }
})

/** An engine that may use less than its own limit says. */
export const lowerCeiling: Rule = (facts) =>
  facts.daemons.flatMap(({ gpuUuid, limits }) => {
    const server = limits.servers[0]?.sharePercent ?? null
    if (server === null) return []
    return enginesOn(facts, gpuUuid).flatMap(({ id, state, spec }): Finding[] => {
      if (!spec.onMps || spec.sharePercent === null || spec.sharePercent <= server + 0.05 || !['ready', 'unknown'].includes(state)) return []
      return [{
        id: `lowerCeiling/${id}`, subject: `engine/${id}`, gpuUuid, rank: 3,
        sentence: `${spec.name} is meant to have up to ${spec.sharePercent} % of the SMs, but the MPS server of ${gpuName(facts, gpuUuid)} leaves its clients ${server} %: the lower one counts.`,
        evidence: [`CUDA_MPS_ACTIVE_THREAD_PERCENTAGE of ${spec.name}: ${spec.sharePercent}`, `server: ${server} %`],
        action: openMps,
      }]
    })
  })
