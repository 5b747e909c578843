// Which GPUs a frame has and what it says of them, with a scripted Host and a clock moved by hand.
import { describe, expect, it } from 'vitest'
import { frame, LOST, read, rig, row, rowFor, seconds, stream, useRig } from './samplerRig.testkit.ts'

useRig()

describe('a healthy GPU', () => {
  it('fills a frame per second, with nothing missing', async () => {
    await seconds(6)
    expect(row()).toEqual({
      uuid: 'GPU-0', index: 0,
      metrics: {
        kernelBusyPercent: 93, memoryControllerBusyPercent: 61, smActivityPercent: 77, dramBandwidthPercent: 41, memoryUsedMiB: 1000, memoryTotalMiB: 81559,
        powerWatts: 300.5, powerLimitWatts: 700, temperatureCelsius: 50, smClockMHz: 1980, memoryClockMHz: 2619,
      },
      missing: {},
      readAtMs: { query: rig.clock.now() - 500, gpm: rig.clock.now() - 500 },
    })
    expect(frame()).toMatchObject({ tick: 7, atMs: rig.clock.now(), processes: [{ gpuUuid: 'GPU-0', pid: 4710, type: 'M+C', usedMemoryMiB: 40960, name: 'python3 -m vllm' }] })
    expect(frame().streams.map(({ name, state }) => [name, state])).toEqual([['query', 'live'], ['processes', 'live'], ['gpm', 'live']])
    expect(rig.sampler.identities.value).toEqual([{
      index: 0, uuid: 'GPU-0', name: 'NVIDIA H100 80GB HBM3', pciBusId: '00000000:00:00.0', driverVersion: '580.95.05', memoryTotalMiB: 81559,
      computeMode: 'Default', migMode: 'Disabled', persistenceMode: 'Enabled', computeCapability: '9.0', gpm: true,
    }])
    expect(rig.sampler.toolPids()).toEqual([1000, 1001, 1002])
  })

  it('comes with the first sample, not a period later; all GPUs of the sample are in it', async () => {
    await rig.clock.advance(100)
    expect(rig.sampler.frames.value).toBeNull()
    const query = rig.host.followed[0]!
    query.print(rowFor(query.args, 0), rowFor(query.args, 1))
    await rig.clock.advance(100)
    expect(frame()).toMatchObject({ tick: 1, rows: [{ index: 0 }, { index: 1 }] })
    await rig.clock.advance(790)
    expect(frame().tick).toBe(1)
    await rig.clock.advance(10)
    expect(frame().tick).toBe(2)
  })

  it('drops the first two GPM rows and says that they are starting', async () => {
    await seconds(2)
    expect(read('smActivityPercent')).toEqual([null, 'starting'])
    expect(rig.sampler.identities.value[0]?.gpm).toBeNull()
    await seconds(2)
    expect(read('smActivityPercent')).toEqual([77, undefined])
  })

  it('closes every stream', async () => {
    await seconds(2)
    await rig.sampler.close()
    expect(rig.host.followed.filter(({ closed }) => !closed)).toEqual([])
    const ticks = frame().tick
    await rig.clock.advance(5000)
    expect(frame().tick).toBe(ticks)
  })
})

describe('many GPUs', () => {
  it('asks pmon four at a time and dmon all at once', async () => {
    const gpus = [0, 1, 2, 3, 4, 5, 6, 7]
    await seconds(5, gpus)
    expect(rig.host.open('pmon').map(({ args }) => args)).toEqual(['pmon -i 0,1,2,3 -s um -d 1', 'pmon -i 4,5,6,7 -s um -d 1'])
    expect(rig.host.open('dmon').map(({ args }) => args)).toEqual(['dmon -i 0,1,2,3,4,5,6,7 -s p --gpm-metrics 2,10 -d 1'])
    expect(frame().rows.map(({ index, metrics }) => [index, metrics.kernelBusyPercent, metrics.smActivityPercent])).toEqual(gpus.map((gpu) => [gpu, 93, 77]))
    expect(frame().processes).toHaveLength(8)
  })

  it('knows no processes while one part of the list is missing', async () => {
    await seconds(3, [0, 1, 2, 3, 4])
    rig.host.open('pmon')[1]?.end(139, 'Segmentation fault')
    await seconds(1, [0, 1, 2, 3, 4], ['--query-gpu'])
    expect(frame().processes).toBeNull()
    expect(stream('processes')).toMatchObject({ state: 'refused' })
  })

  it('knows how to ask for twenty', async () => {
    const gpus = Array.from({ length: 20 }, (_, gpu) => gpu)
    await seconds(5, gpus)
    expect(rig.host.open('pmon').map(({ args }) => args.split(' ')[2])).toEqual(['0,1,2,3', '4,5,6,7', '8,9,10,11', '12,13,14,15', '16,17,18,19'])
    expect(rig.host.open('dmon').map(({ args }) => args.split(' ')[2])).toEqual([gpus.slice(0, 16).join(), '16,17,18,19'])
    expect(frame().rows.map(({ metrics }) => [metrics.kernelBusyPercent, metrics.smActivityPercent])).toEqual(gpus.map(() => [93, 77]))
    expect(frame().processes).toHaveLength(20)
    // one of the two dmon begins again: the other's values stay
    rig.host.open('dmon')[1]?.end(null)
    rig.host.open('dmon')[1]?.state({ name: 'starting' })
    await seconds(1, gpus, ['--query-gpu', 'pmon'])
    expect(read('smActivityPercent', 15)).toEqual([77, undefined])
    expect(read('smActivityPercent', 16)).toEqual([null, 'starting'])
  })

  it('takes in a GPU that appears and forgets one that a new child does not list', async () => {
    await seconds(2, [0, 1])
    await seconds(2, [0, 1, 2])
    expect(rig.host.now('pmon').args).toContain('-i 0,1,2 ')
    rig.host.now('--query-gpu').end(null)
    rig.host.now('--query-gpu').state({ name: 'starting' })
    await seconds(4, [0, 2])
    expect(read('powerWatts', 1)).toEqual([null, 'noSample'])
    await seconds(4, [0, 2])
    expect(rig.sampler.identities.value.map(({ index }) => index)).toEqual([0, 2])
    expect(rig.host.now('pmon').args).toContain('-i 0,2 ')
  })
})

describe('a lost GPU', () => {
  it('is named by its place, says gpuLost, and is left out of pmon and dmon', async () => {
    await seconds(5, [0, 1, 2])
    const query = rig.host.now('--query-gpu')
    await rig.clock.advance(500)
    query.print(rowFor(query.args, 0), rowFor(query.args, 1, LOST), rowFor(query.args, 2))
    await rig.clock.advance(500)
    expect(read('powerWatts', 1)).toEqual([null, 'gpuLost'])
    expect(read('smActivityPercent', 1)).toEqual([null, 'gpuLost'])
    expect(read('powerWatts', 2)).toEqual([300.5, undefined])
    expect(rig.host.now('pmon').args).toContain('-i 0,2 ')
  })

  it('that was lost before it was ever seen blames no other GPU', async () => {
    for (let at = 0; at < 4; at += 1) {
      await rig.clock.advance(500)
      const query = rig.host.now('--query-gpu')
      query.print(rowFor(query.args, 0), rowFor(query.args, 1, LOST))
      await rig.clock.advance(500)
    }
    expect(read('powerWatts', 0)).toEqual([300.5, undefined])
    expect(frame().rows).toHaveLength(1)
    expect(stream('query')).toMatchObject({ state: 'live', fault: { code: 'GPU_LOST' }, badLines: 0 })
    expect(stream('query').fault?.sentence).toContain('GPU 1')
  })

  it('that a newer driver names once, going on with the others, stays in sight and is asked for', async () => {
    await seconds(5, [0, 1])
    const query = rig.host.now('--query-gpu')
    query.end(null)
    query.state({ name: 'starting' })
    query.print('Unable to determine the device handle for GPU0000:01:00.0: Unknown Error')
    await seconds(10, [0])
    expect([read('powerWatts', 0), read('powerWatts', 1)]).toEqual([[300.5, undefined], [null, 'gpuLost']])
    expect(rig.sampler.identities.value.map(({ uuid }) => uuid)).toEqual(['GPU-0', 'GPU-1'])
    expect(stream('query')).toMatchObject({ state: 'live', badLines: 0 })
    rig.host.answer = () => Promise.resolve({ exitCode: 0, stdout: 'GPU-1\n', signal: null, stderr: '', truncated: false, durationMs: 5 })
    await seconds(30, [0])
    expect(rig.host.ran).toEqual(['--query-gpu=uuid --format=csv,noheader -i 00000000:01:00.0'])
    await seconds(4, [0, 1])
    expect(read('powerWatts', 1)).toEqual([300.5, undefined])
  })

  it('that is named at the very first start is said to be lost by that name, for as long as it is', async () => {
    rig.host.now('--query-gpu').print('Unable to determine the device handle for GPU0000:07:00.0: Unknown Error')
    await seconds(10)
    expect(stream('query')).toMatchObject({ state: 'live', fault: { code: 'GPU_LOST', sentence: 'GPU 0000:07:00.0 has fallen off the bus; not even its UUID can be read.' } })
    rig.host.answer = () => Promise.resolve({ exitCode: 0, stdout: 'GPU-7\n', signal: null, stderr: '', truncated: false, durationMs: 5 })
    await seconds(31)
    expect(rig.host.ran).toEqual(['--query-gpu=uuid --format=csv,noheader -i 0000:07:00.0'])
    rig.host.now('--query-gpu').state({ name: 'starting' })
    await seconds(2, [0, 7])
    expect(stream('query').fault).toBeNull()
    expect(frame().rows.map(({ index }) => index)).toEqual([0, 7])
  })

  it('is named by its place also where a slow driver pauses between the rows', async () => {
    await seconds(5, [0, 1, 2])
    const query = rig.host.now('--query-gpu')
    for (let sample = 0; sample < 3; sample += 1) {
      for (const text of [rowFor(query.args, 0), rowFor(query.args, 1, LOST), rowFor(query.args, 2)]) {
        query.print(text)
        await rig.clock.advance(400)
      }
      expect([0, 1, 2].map((gpu) => read('powerWatts', gpu))).toEqual([[300.5, undefined], [null, 'gpuLost'], [300.5, undefined]])
    }
  })

  it('is asked again in time, also when the clock was set back', async () => {
    await seconds(5, [0, 1])
    rig.host.now('--query-gpu').end(15, 'Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU')
    await seconds(2, [0])
    rig.clock.setBackMs = 3_600_000
    await seconds(35, [0])
    expect(rig.host.ran).not.toEqual([])
  })

  it('that is the only one: nothing is watched, and every stream says why', async () => {
    await seconds(3)
    for (let at = 0; at < 3; at += 1) {
      rig.host.now('--query-gpu').print(rowFor(rig.host.now('--query-gpu').args, 0, LOST))
      await rig.clock.advance(1000)
    }
    expect(read('powerWatts')).toEqual([null, 'gpuLost'])
    expect([...rig.host.open('pmon'), ...rig.host.open('dmon')]).toEqual([])
    expect(frame().processes).toBeNull()
    expect(['processes', 'gpm'].map((name) => stream(name as 'gpm'))).toMatchObject([{ state: 'refused', fault: { code: 'GPU_LOST' } }, { state: 'refused', fault: { code: 'GPU_LOST' } }])
  })

  it('that refuses the command for all is left out of it, and taken back when it answers', async () => {
    await seconds(5, [0, 1])
    rig.host.now('--query-gpu').end(15, 'Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU')
    await seconds(2, [0])
    expect(rig.host.now('--query-gpu').args).toMatch(/ -i 0$/)
    expect([read('powerWatts', 0), read('powerWatts', 1)]).toEqual([[300.5, undefined], [null, 'gpuLost']])

    const answer = (exitCode: number, stdout: string) => () => Promise.resolve({ exitCode, stdout, signal: null, stderr: '', truncated: false, durationMs: 5 })
    rig.host.answer = answer(15, 'Unable to determine …')
    await seconds(40, [0])
    expect(rig.host.ran).toEqual(['--query-gpu=uuid --format=csv,noheader -i 00000000:01:00.0'])
    rig.host.answer = answer(0, 'GPU-1\n')
    await seconds(70, [0])
    expect(rig.host.ran).toHaveLength(2)
    expect(rig.host.now('--query-gpu').args).not.toContain(' -i ')
    await seconds(4, [0, 1])
    expect(read('powerWatts', 1)).toEqual([300.5, undefined])
    expect(rig.host.now('pmon').args).toContain('-i 0,1 ')
  })
})
