// How the sampler's values grow old, go missing and heal, with a scripted Host and a clock moved by hand.
import { describe, expect, it } from 'vitest'
import { DMON, frame, NO_DRIVER, read, rig, row, rowFor, seconds, stream, useRig } from './samplerRig.testkit.ts'

useRig()

describe('values grow old', () => {
  it('a stream that stays away for three periods has no present values, and its age is told', async () => {
    await seconds(5)
    const lastMs = row().readAtMs.query
    await seconds(2, [0], ['pmon', 'dmon'])
    expect(read('powerWatts')).toEqual([300.5, undefined])
    await seconds(2, [0], ['pmon', 'dmon'])
    expect(read('powerWatts')).toEqual([null, 'silent'])
    expect(row().readAtMs.query).toBe(lastMs)
    expect(read('smActivityPercent')).toEqual([77, undefined])
    rig.host.now('--query-gpu').state({ name: 'silent' })
    await seconds(1, [0], ['pmon', 'dmon'])
    expect(stream('query')).toMatchObject({ state: 'silent', fault: { code: 'DRIVER_UNREACHABLE' }, lastRowAtMs: lastMs })
    await seconds(1)
    expect(read('powerWatts')).toEqual([300.5, undefined])
    expect(stream('query')).toMatchObject({ state: 'live', fault: null })
  })

  it('GPM and processes too', async () => {
    await seconds(5)
    await seconds(4, [0], ['--query-gpu'])
    expect(read('dramBandwidthPercent')).toEqual([null, 'silent'])
    expect(frame().processes).toBeNull()
  })

  it('a clock that is set back does not make old values young', async () => {
    await seconds(5)
    rig.clock.setBackMs = 3_600_000
    await seconds(1, [0], [])
    expect(read('powerWatts')).toEqual([null, 'silent'])
    await seconds(3)
    expect(read('powerWatts')).toEqual([300.5, undefined])
  })

  it('bad lines are counted and named, and change no value', async () => {
    await seconds(5)
    rig.host.now('--query-gpu').print('GPU-0, 0, 2026/11/23 10:0', 'rubbish')
    await seconds(1)
    expect([read('powerWatts'), stream('query').badLines]).toEqual([[300.5, undefined], 2])
    for (let at = 0; at < 4; at += 1) {
      rig.host.now('--query-gpu').print('GPU-0, 0, half')
      await seconds(1, [0], ['pmon'])
    }
    expect(read('powerWatts')).toEqual([null, 'badLine'])
    rig.host.now('--query-gpu').print('GPU 0: detected Xid 31 at 10:00:00', '')
    expect(stream('query').badLines).toBe(6)
  })
})

describe('trouble and healing', () => {
  it('a tool that prints rubbish shows no life, is called unreadable and says why', async () => {
    await seconds(5)
    const query = rig.host.now('--query-gpu')
    expect(query.print('rubbish', 'GPU 0: detected Xid 31 at 10:00:00', rowFor(query.args, 0))).toEqual([false, false, true])
    for (let at = 0; at < 5; at += 1) {
      query.print('rubbish')
      await seconds(1, [0], ['pmon', 'dmon'])
    }
    query.state({ name: 'silent' })
    await seconds(1, [0], ['pmon', 'dmon'])
    expect(stream('query')).toMatchObject({ state: 'unreadable', fault: { code: 'UNREADABLE_OUTPUT' } })
    expect(read('powerWatts')).toEqual([null, 'badLine'])
    query.end(143) // it was ended for that: its exit code says nothing
    await seconds(1, [0], ['pmon', 'dmon'])
    expect([stream('query').state, read('powerWatts')]).toEqual(['unreadable', [null, 'badLine']])
    query.state({ name: 'starting' })
    query.end(12) // and this one ended by itself
    await seconds(1, [0], ['pmon', 'dmon'])
    expect(stream('query')).toMatchObject({ state: 'refused', fault: { code: 'TOOL_MISSING' } })
    query.state({ name: 'starting' })
    await seconds(1)
    expect([stream('query').state, stream('query').fault, read('powerWatts')]).toEqual(['live', null, [300.5, undefined]])
  })

  it('a flood of rubbish is called that at once', async () => {
    rig.host.now('--query-gpu').print(...Array.from({ length: 19 }, () => 'rubbish'))
    await rig.clock.advance(1000)
    expect(stream('query').state).toBe('starting')
    rig.host.now('--query-gpu').print('rubbish')
    await rig.clock.advance(1000)
    expect(stream('query')).toMatchObject({ state: 'unreadable', badLines: 20, fault: { code: 'UNREADABLE_OUTPUT' } })
    await seconds(1)
    expect(stream('query')).toMatchObject({ state: 'live', fault: null })
  })

  it('a tool that ends at once, again and again, without a word: given up with a reason, tried again, healed', async () => {
    const query = rig.host.now('--query-gpu')
    for (let at = 0; at < 3; at += 1) {
      query.end(0)
      query.state({ name: 'starting' })
    }
    query.end(0, 'some words')
    query.state({ name: 'gaveUp' })
    await rig.clock.advance(1000)
    expect(stream('query')).toMatchObject({ state: 'gaveUp', fault: { code: 'RESTART_BUDGET_SPENT', detail: 'some words' } })
    await rig.clock.advance(9000)
    expect(query.retries).toBe(1)
    await seconds(4)
    expect([stream('query').state, stream('query').fault]).toEqual(['live', null])
  })

  it('asked to try again, starts no nvidia-smi beside one that may hang', async () => {
    await seconds(5)
    for (const kind of ['--query-gpu', 'pmon', 'dmon'] as const) rig.host.now(kind).state({ name: 'silent' })
    const before = rig.host.followed.length
    rig.sampler.retry()
    await seconds(2, [0], [])
    expect(rig.host.followed).toHaveLength(before)
    expect((['--query-gpu', 'pmon', 'dmon'] as const).map((kind) => rig.host.now(kind).retries)).toEqual([1, 1, 1])
  })

  it('no nvidia-smi: says so, tries again every 10 s', async () => {
    rig.host.now('--query-gpu').state({ name: 'missing' })
    await rig.clock.advance(1000)
    expect(frame()).toMatchObject({ rows: [], processes: null })
    for (const name of ['query', 'processes', 'gpm'] as const) expect(stream(name)).toMatchObject({ state: 'toolMissing', fault: { code: 'TOOL_MISSING' } })
    await rig.clock.advance(10_000)
    expect(rig.host.now('--query-gpu').retries).toBe(1)
    expect(stream('query').state).toBe('toolMissing')
    await seconds(5)
    expect(read('smActivityPercent')).toEqual([77, undefined])
  })

  it('driver goes and comes back: refused, retried for ever, then live', async () => {
    await seconds(5)
    for (const follow of rig.host.followed) follow.end(9, NO_DRIVER, '')
    await seconds(4, [0], [])
    expect(stream('query')).toMatchObject({ state: 'refused', badLines: 0, fault: { code: 'DRIVER_UNREACHABLE' } })
    expect(read('powerWatts')).toEqual([null, 'refused'])
    expect(read('smActivityPercent')).toEqual([null, 'refused'])
    expect(rig.sampler.identities.value).toHaveLength(1)
    for (let round = 1; round <= 20; round += 1) {
      await rig.clock.advance(10_000)
      expect(rig.host.now('--query-gpu').retries).toBeGreaterThanOrEqual(round)
      for (const follow of rig.host.followed) follow.end(9, NO_DRIVER, '')
    }
    await rig.clock.advance(10_000)
    await seconds(4)
    expect(read('powerWatts')).toEqual([300.5, undefined])
    expect(read('smActivityPercent')).toEqual([77, undefined])
    expect(frame().processes).toHaveLength(1)
  })

  it('a spent budget is tried again, less and less often', async () => {
    await seconds(3)
    const query = rig.host.now('--query-gpu')
    query.state({ name: 'silent' })
    query.state({ name: 'gaveUp' })
    await rig.clock.advance(1000)
    expect(stream('query').state).toBe('gaveUp')
    await rig.clock.advance(9000)
    expect(query.retries).toBe(1)
    query.state({ name: 'gaveUp' })
    await rig.clock.advance(10_000)
    expect(query.retries).toBe(1)
    await rig.clock.advance(10_000)
    expect(query.retries).toBe(2)
  })

  it('no GPU at all', async () => {
    rig.host.now('--query-gpu').end(6, 'No devices were found')
    await rig.clock.advance(1000)
    expect(frame().rows).toEqual([])
    expect(stream('query')).toMatchObject({ state: 'refused', fault: { code: 'NO_CUDA_DEVICE' } })
  })

  it('a field that this driver does not know is left out', async () => {
    rig.host.now('--query-gpu').end(2, 'Field "compute_cap" is not a valid field to query.', '')
    await rig.clock.advance(10)
    rig.host.now('--query-gpu').end(2, 'Field "power.draw" is not a valid field to query.', '')
    await seconds(3)
    expect(rig.host.now('--query-gpu').args).not.toMatch(/compute_cap|power\.draw/)
    expect(read('powerWatts')).toEqual([null, 'notSupported'])
    expect(read('temperatureCelsius')).toEqual([50, undefined])
    expect(rig.sampler.identities.value[0]?.computeCapability).toBeNull()
  })
})

describe('GPM', () => {
  it('refused: not supported, left alone, tried again when asked', async () => {
    await seconds(1)
    rig.host.now('dmon').end(255, "ERROR: Option --gpm-metrics is not recognized. Please run 'nvidia-smi -h'.")
    await seconds(30)
    expect(rig.host.open('dmon')).toEqual([])
    expect(read('smActivityPercent')).toEqual([null, 'notSupported'])
    expect(stream('gpm')).toMatchObject({ state: 'unsupported', fault: { code: 'COMMAND_FAILED' } })
    expect(rig.sampler.identities.value[0]?.gpm).toBe(false)
    rig.sampler.retry()
    await seconds(4)
    expect(read('smActivityPercent')).toEqual([77, undefined])
    expect(rig.sampler.identities.value[0]?.gpm).toBe(true)
  })

  it.each([[139, 'Segmentation fault'], [126, 'setpriv: failed to execute nvidia-smi: Text file busy']])('that ended with %s is no card without GPM: tried again by itself', async (exitCode, words) => {
    await seconds(1)
    rig.host.now('dmon').end(exitCode, words)
    await seconds(2, [0], ['--query-gpu', 'pmon'])
    expect(stream('gpm')).toMatchObject({ state: 'refused', fault: { code: 'COMMAND_FAILED' } })
    expect([read('smActivityPercent'), rig.sampler.identities.value[0]?.gpm]).toEqual([[null, 'stopped'], null])
    await seconds(8, [0], ['--query-gpu', 'pmon'])
    expect(rig.host.now('dmon').retries).toBe(1)
    await seconds(4)
    expect(read('smActivityPercent')).toEqual([77, undefined])
  })

  it.each([['driver_version', '590.1'], ['mig.mode.current', 'Enabled']])('that was not supported is tried again when %s changes', async (field, cell) => {
    await seconds(1)
    rig.host.now('dmon').end(255, 'Not supported on the device(s)', 'Failed to process command line ')
    await seconds(3, [0], ['--query-gpu'])
    expect(rig.host.open('dmon')).toEqual([])
    const query = rig.host.now('--query-gpu')
    const pmons = rig.host.followed.filter(({ args }) => args.startsWith('pmon')).length
    for (let at = 0; at < 4; at += 1) {
      query.print(rowFor(query.args, 0, { [field]: cell }))
      await seconds(1, [0], ['dmon'])
    }
    expect(read('smActivityPercent')).toEqual([77, undefined])
    expect(rig.host.followed.filter(({ args }) => args.startsWith('pmon'))).toHaveLength(pmons)
  })

  it('and utilisation in MIG mode: the mode is the reason', async () => {
    const mig = { 'mig.mode.current': 'Enabled', 'utilization.gpu': '[N/A]', 'utilization.memory': '[N/A]', 'power.draw': '[N/A]' }
    for (let at = 0; at < 10; at += 1) {
      const query = rig.host.now('--query-gpu')
      query.print(rowFor(query.args, 0, mig))
      for (const dmon of rig.host.open('dmon')) dmon.print(...DMON, '    0    300     50     60          -          - ')
      await seconds(1, [0], ['pmon'])
    }
    expect((['kernelBusyPercent', 'memoryControllerBusyPercent', 'smActivityPercent', 'dramBandwidthPercent'] as const).map((key) => read(key))).toEqual(Array.from({ length: 4 }, () => [null, 'mig']))
    expect([read('powerWatts'), read('temperatureCelsius'), frame().processes?.length]).toEqual([[null, 'notSupported'], [50, undefined], 1])
  })

  it('only dashes: not supported after a while; the other card goes on', async () => {
    await seconds(1, [0, 1])
    const dmon = rig.host.now('dmon')
    dmon.print(...DMON)
    for (let at = 0; at < 8; at += 1) {
      dmon.print('    0    300     50     60         77         41 ', '    1     90     40      -          -          - ')
      await seconds(1, [0, 1], ['--query-gpu'])
    }
    expect([read('smActivityPercent', 0), read('smActivityPercent', 1)]).toEqual([[77, undefined], [null, 'notSupported']])
    expect(rig.sampler.identities.value.map(({ gpm }) => gpm)).toEqual([true, false])
    expect(rig.host.open('dmon')).toHaveLength(1)
  })

  it('dashes of a card that has given numbers are missing samples', async () => {
    await seconds(5)
    for (let at = 0; at < 10; at += 1) {
      rig.host.now('dmon').print('    0    300     50     60          -          - ')
      await seconds(1, [0], ['--query-gpu'])
    }
    expect(read('smActivityPercent')).toEqual([null, 'noSample'])
    expect(rig.sampler.identities.value[0]?.gpm).toBe(true)
  })
})
